"""Assignment to holdout and canary: once for a unit; what is learned of it later changes only its offers."""

import math
from typing import Final, Protocol

import msgspec
from msgspec.structs import replace

from operators.streaming.durable_store import DurableStore
from operators.streaming.erased_people import ErasedPeople
from operators.streaming.ids import share_of
from schemas.decisions import Decision

HOLDOUT: Final = "holdout"
CANARY: Final = "canary"
POLICY: Final = "policy"
MEMORY_S: Final = 30 * 86_400.0
REFRESH_S: Final = 86_400.0
NEVER: Final = -math.inf


class Assignment(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """How one identity, a visitor or a user, takes part in the experiment.

    Attributes
    ----------
    unit
        What was randomised, ``user:...`` or ``visitor:...``.
    group
        The first assignment of the unit, ``policy`` or ``holdout``; it never changes and is what analysis
        compares.
    at_s
        The first eligible moment of the unit, infinity before it.
    share
        The probability of the holdout when the unit was assigned.
    held_out
        Whether the identity gets no offers.
    conflict
        Whether it turned out to be one person with an identity of the other group.
    user
        The latest user known of it.
    seen_s
        When it was last recorded as seen.
    place
        Where the person stands among all, evenly from 0 to 1 and whatever the group: those below the share of
        a canary are in it. The lowest of the person's identities, as far as they are known to be one.
    """

    unit: str
    group: str
    at_s: float
    share: float
    held_out: bool
    conflict: bool
    user: str | None
    seen_s: float
    place: float


class AssignmentStore(DurableStore, Protocol):
    """Where assignments are kept, beside other things that are forgotten together with them."""

    def remember_with_entry(self, name: str, at_s: float, what: bytes) -> None:
        """Remember together with the next entry of the ledger: both are written, or neither."""

    def forget_identities(self, before_s: float) -> int:
        """Drop what was last written for a time before ``before_s``, whatever it is; return how much."""


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(Assignment)


class Assignments:
    """The assignments of one market, by user if one is known at the first eligible moment, else by visitor.

    A hash of the identity decides, so an identity is assigned alike wherever it is looked up; what has to be
    remembered is which identity came first and which others are the same person. Bounded by the identities
    with an eligible moment within ``memory_s`` and ``refresh_s``.

    Parameters
    ----------
    market
        Part of what is hashed: markets are randomised independently.
    share
        The probability of the holdout, from 0 to 1.
    store
        Where assignments are kept.
    memory_s
        Seconds that an identity is remembered after its latest eligible moment; after that its hash assigns
        it anew.
    refresh_s
        Seconds after which an identity is recorded as seen again; between, nothing is written for it.

    Attributes
    ----------
    share
        The probability with which identities are held out that are assigned from now on.
    """

    def __init__(
        self,
        market: str,
        share: float,
        store: AssignmentStore,
        *,
        memory_s: float = MEMORY_S,
        refresh_s: float = REFRESH_S,
    ) -> None:
        self._market = market
        self.share = share
        self._store = store
        self._memory_s = memory_s
        self._refresh_s = refresh_s

    def assign(self, visitor: str, user: str | None, at_s: float) -> Assignment:
        """Return the assignment of a visitor at an eligible moment, and remember what the moment reveals.

        It is written with the entry of what is decided then.

        Where visitor and user turn out to be one person but were assigned apart, both keep their unit and
        group; if either is held out, both are from then on, and both have the lower place of the two: who was
        in a canary stays in.
        """
        visitor_name = _visitor(visitor)
        was = mine = self._recall(visitor_name, at_s)
        known = user if user is not None or mine is None else mine.user
        if known is None:
            mine = self._new(visitor_name, at_s) if mine is None else mine
            self._keep(visitor_name, mine, was, at_s)
            return mine
        user_name = _user(known)
        users = self._recall(user_name, at_s)
        theirs = users or self._new(user_name)
        if mine is None:
            theirs = replace(theirs, at_s=min(theirs.at_s, at_s))
            mine = replace(theirs, seen_s=NEVER)
        held_out = mine.held_out or theirs.held_out
        conflict = mine.conflict or theirs.conflict or mine.group != theirs.group
        place = min(mine.place, theirs.place)
        mine = replace(mine, held_out=held_out, conflict=conflict, user=known, place=place)
        self._keep(visitor_name, mine, was, at_s)
        theirs = replace(theirs, held_out=held_out, conflict=conflict, place=place)
        self._keep(user_name, theirs, users, at_s)
        return mine

    def relearn(self, record: Decision) -> None:
        """Take the assignment of a visitor at a decision, as its record has it, if there was one.

        Where two persons turned out to be one, the place of a canary is the lower one of those known again.
        """
        if record.unit_id is None or record.assigned_at is None or record.holdout_share is None:
            return
        visitor, user, at_s = record.visitor_id, record.user_id, record.at.seconds
        unit, group = record.unit_id, record.assignment or POLICY
        was = self._recall(_visitor(visitor), at_s)
        known = user if user is not None or was is None else was.user
        users = None if known is None else self._recall(_user(known), at_s)
        place = min(
            [place_of(self._market, unit), *(each.place for each in (was, users) if each is not None)]
        )
        taken = Assignment(
            unit=unit,
            group=group,
            at_s=record.assigned_at.seconds,
            share=record.holdout_share,
            held_out=record.holdout,
            conflict=record.conflict,
            user=known,
            seen_s=NEVER if was is None else was.seen_s,
            place=place,
        )
        self._keep(_visitor(visitor), taken, was, at_s)
        if known is not None:
            theirs = replace(taken, seen_s=NEVER) if users is None else users
            theirs = replace(theirs, held_out=record.holdout, conflict=record.conflict, place=place)
            self._keep(_user(known), theirs, users, at_s)

    def forget(self, time_s: float, kept_s: float = 0.0) -> None:
        """Drop the identities that need not be remembered at this time, and what else is in their store.

        Nothing younger than ``kept_s`` goes, which whoever shares the store may need longer.
        """
        self._store.forget_identities(time_s - max(self._memory_s + self._refresh_s, kept_s))

    def _new(self, identity: str, at_s: float = math.inf) -> Assignment:
        kind, _, name = identity.partition(":")
        parts = (name,) if kind == "visitor" else (kind, name)
        held_out = share_of(HOLDOUT, self._market, *parts) < self.share
        user = name if kind == "user" else None
        group = HOLDOUT if held_out else POLICY
        place = place_of(self._market, identity)
        return Assignment(identity, group, at_s, self.share, held_out, False, user, NEVER, place)

    def _recall(self, identity: str, at_s: float) -> Assignment | None:
        found = self._store.recall(identity)
        known = None if found is None else _DECODER.decode(found)
        forgotten_s = at_s - self._memory_s - self._refresh_s
        return None if known is None or known.seen_s < forgotten_s else known

    def _keep(self, identity: str, now: Assignment, was: Assignment | None, at_s: float) -> None:
        if at_s >= now.seen_s + self._refresh_s:
            now = replace(now, seen_s=at_s)
        if now != was:
            self._store.remember_with_entry(identity, now.seen_s, _ENCODER.encode(now))


def assignment_left(identity: str, row: bytes, erased: ErasedPeople) -> bytes | None:
    """Return what is left of the assignment of an identity, None for nothing.

    One that was assigned as somebody who was erased is the unit itself from then on.
    """
    known = _DECODER.decode(row)
    kind, _, name = identity.partition(":")
    if erased.visitor(name, known.seen_s) if kind == "visitor" else erased.user(name, known.seen_s):
        return None
    of, _, unit = known.unit.partition(":")
    is_gone = erased.visitor(unit, known.seen_s) if of == "visitor" else erased.user(unit, known.seen_s)
    left = replace(known, unit=identity) if is_gone else known
    if erased.user(left.user, known.seen_s):
        left = replace(left, user=None)
    return _ENCODER.encode(left)


def place_of(market: str, unit: str) -> float:
    """Return where a unit stands by itself, as ``Assignment.place``."""
    return share_of(CANARY, market, unit)


def _visitor(name: str) -> str:
    return f"visitor:{name}"


def _user(name: str) -> str:
    return f"user:{name}"
