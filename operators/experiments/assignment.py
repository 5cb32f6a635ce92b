"""Who is held out: each unit is assigned once; what is learned of it later changes only its offers."""

import math
from typing import Final, Protocol

import msgspec
from msgspec.structs import replace

from operators.streaming.ids import share_of

HOLDOUT: Final = "holdout"
POLICY: Final = "policy"
MEMORY_S: Final = 30 * 86_400.0
"""An identity is remembered so long after its latest eligible moment; then its hash assigns it anew."""
NEVER: Final = -math.inf
SEEN_EVERY_S: Final = 86_400.0
"""When an identity was seen is written down at most so often."""


class Assignment(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """How one identity, a visitor or a user, takes part in the experiment.

    ``unit`` is what was randomised, ``user:...`` or ``visitor:...``; ``group`` its first assignment, policy
    or holdout, which stays for analysis; ``at_s`` its first eligible moment (infinity before it); ``share``
    the probability with which it was to be held out. ``held_out``: it gets no offers. ``conflict``: it was
    found to be one person with an identity of the other group. ``user`` is the latest user known of it,
    ``seen_s`` when that was written down.
    """

    unit: str
    group: str
    at_s: float
    share: float
    held_out: bool
    conflict: bool
    user: str | None
    seen_s: float


class Memory(Protocol):
    """Where assignments are kept; it survives the death of the process and is not rolled back."""

    def recall(self, identity: str) -> bytes | None:
        """Return what was last written of an identity."""

    def remember(self, identity: str, at_s: float, what: bytes) -> None:
        """Write what is known of an identity, in place of what was written before."""

    def forget_identities(self, before_s: float) -> int:
        """Drop the identities that were last written of a time before; return how many went."""


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(Assignment)


class Assignments:
    """The assignments of one market, by user if known at a visitor's first eligible moment, else by visitor.

    A hash of the identity decides, so the same one is assigned alike wherever it is asked; what has to be
    remembered is which identity came first and whom it was found to be. Bounded by the identities with an
    eligible moment within ``MEMORY_S`` and ``SEEN_EVERY_S``.
    """

    def __init__(self, market: str, share: float, memory: Memory) -> None:
        self._market = market
        self._share = share
        self._memory = memory

    def of(self, visitor: str, user: str | None, at_s: float) -> Assignment:
        """Return the assignment of a visitor at an eligible moment, and remember what the moment tells.

        Where visitor and user turn out to be one person but were assigned apart, both keep their unit and
        group; if either is held out, both are from now on.
        """
        mine = self._recall(_visitor(visitor), at_s)
        known = user if user is not None or mine is None else mine.user
        theirs = None if known is None else self._recall(_user(known), at_s) or self._new(_user(known))
        if mine is None:
            first = self._new(_visitor(visitor)) if theirs is None else theirs
            first = replace(first, at_s=min(first.at_s, at_s))
            theirs = None if theirs is None else first
            mine = replace(first, seen_s=NEVER)
        other = mine if theirs is None else theirs
        held_out = mine.held_out or other.held_out
        conflict = mine.conflict or other.conflict or mine.group != other.group
        mine = replace(mine, held_out=held_out, conflict=conflict, user=known)
        self._keep(_visitor(visitor), mine, at_s)
        if theirs is not None:
            self._keep(theirs.unit, replace(theirs, held_out=held_out, conflict=conflict), at_s)
        return mine

    def forget(self, time_s: float) -> None:
        """Drop the identities that are no longer remembered."""
        self._memory.forget_identities(time_s - MEMORY_S - SEEN_EVERY_S)

    def _new(self, identity: str) -> Assignment:
        kind, _, name = identity.partition(":")
        parts = (name,) if kind == "visitor" else (kind, name)
        held_out = share_of(HOLDOUT, self._market, *parts) < self._share
        user = name if kind == "user" else None
        group = HOLDOUT if held_out else POLICY
        return Assignment(identity, group, math.inf, self._share, held_out, False, user, NEVER)

    def _recall(self, identity: str, at_s: float) -> Assignment | None:
        found = self._memory.recall(identity)
        known = None if found is None else _DECODER.decode(found)
        return None if known is None or known.seen_s < at_s - MEMORY_S - SEEN_EVERY_S else known

    def _keep(self, identity: str, now: Assignment, at_s: float) -> None:
        found = self._memory.recall(identity)
        if at_s >= now.seen_s + SEEN_EVERY_S:
            now = replace(now, seen_s=at_s)
        written = _ENCODER.encode(now)
        if written != found:
            self._memory.remember(identity, now.seen_s, written)


def _visitor(name: str) -> str:
    return f"visitor:{name}"


def _user(name: str) -> str:
    return f"user:{name}"
