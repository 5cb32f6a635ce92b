"""Who agreed to offers on which channel, as known at a time."""

import math
from collections.abc import Iterable
from typing import Final

import msgspec
from msgspec.structs import replace

from operators.experiments.assignment import MEMORY_S, REFRESH_S
from operators.streaming.durable_store import DurableStore
from operators.streaming.messages import ConsentKnown

CHANGES: Final = 8
"""Of a channel and a source, an identity is remembered to have changed its mind so often, lately."""
CONTROLS: Final = "controls"
"""The source whose word is not forgotten."""


class ConsentGiven(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a person last said of a channel: whether it is granted, when that was said, and where."""

    granted: bool
    at_s: float
    source: str


class _Change(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """News of one identity; decisions know of it from ``known_s`` on, which is later than it was said.

    ``as_user``: it was said by somebody who was known as the user then.
    """

    channel: str
    granted: bool
    said_s: float
    known_s: float
    source: str
    as_user: bool = False

    @property
    def order(self) -> tuple[float, bool]:
        """The greatest counts: the latest, and of two at the same time the denial."""
        return self.said_s, not self.granted


class _Known(msgspec.Struct, array_like=True, gc=False):
    """What one identity said, and when it was last heard."""

    seen_s: float
    changes: list[_Change]


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(_Known)


class Consents:
    """The consent of the visitors and the users of a market, by channel.

    **The rule.** What an identity says is news where it differs from what it said before to the same source;
    saying the same again is none. Of a person, who is several identities, the stricter state counts: a denial
    stands until the identity that denied grants anew, or the person does so as the user. A grant of another
    device from before it was known whose it is does not undo it, nor does a page that repeats an old grant.
    Of two at the same time the denial counts. What a visitor says holds for its user too.

    News holds from the time at which it is known, so that what is read again after a crash is decided as it
    was; late news is placed by when it was said. An identity is forgotten after 30 days in which it said
    nothing, news or not, unless controls spoke of it. Bounded by the identities that say something in 30
    days and those that controls name, with ``CHANGES`` for each channel and source.
    """

    def __init__(self, store: DurableStore) -> None:
        self._store = store

    def know(self, event: ConsentKnown) -> None:
        """Note what a visitor, a user, or both as one said."""
        at_s, source = event.at_s, event.source
        said_s = at_s if event.happened_s is None else event.happened_s
        said = [_Change(channel, granted, said_s, at_s, source) for channel, granted in event.consent.items()]
        if event.visitor:
            said = self._note(_of_visitor(event.visitor), said, at_s)
        if event.user is not None:
            name = _of_user(event.user)
            if event.visitor:
                known = {each.channel for each in self._changes(name, at_s) if each.known_s < at_s}
                said = [each for each in said if each.known_s == at_s or each.channel not in known]
            news = [replace(each, known_s=at_s, as_user=each.known_s == at_s) for each in said]
            self._note(name, news, at_s)

    def of(self, visitors: Iterable[str], users: Iterable[str], at_s: float) -> dict[str, ConsentGiven]:
        """Return the consent of the person with these identities by channel, as known at a time."""
        latest = [self._latest(_of_visitor(visitor), at_s) for visitor in visitors]
        latest += [self._latest(_of_user(user), at_s) for user in users]
        if len(latest) == 1:
            [only] = latest
            return {
                channel: ConsentGiven(change.granted, change.said_s, change.source)
                for channel, change in only.items()
            }
        channels = dict.fromkeys(channel for each in latest for channel in each)
        return {
            channel: _strictest([each[channel] for each in latest if channel in each]) for channel in channels
        }

    def _latest(self, name: str, at_s: float) -> dict[str, _Change]:
        latest: dict[str, _Change] = {}
        for change in self._known(name, at_s).changes:
            if change.known_s <= at_s:
                known = latest.get(change.channel)
                if known is None or change.order > known.order:
                    latest[change.channel] = change
        return latest

    def _changes(self, name: str, at_s: float) -> list[_Change]:
        return [change for change in self._known(name, at_s).changes if change.known_s <= at_s]

    def _known(self, name: str, at_s: float) -> _Known:
        found = self._store.recall(name)
        if found is not None:
            known = _DECODER.decode(found)
            if at_s < known.seen_s + MEMORY_S + REFRESH_S:
                return known
        return _Known(-math.inf, [])

    def _note(self, name: str, said: list[_Change], at_s: float) -> list[_Change]:
        """Remember what is news of an identity; return what holds now: the news, or what was said before."""
        known = self._known(name, at_s)
        holds = [_add(known.changes, each) for each in said]
        is_new = any(now is new for now, new in zip(holds, said, strict=True))
        seen_s = max([known.seen_s, at_s, *(math.inf for each in said if each.source == CONTROLS)])
        if is_new or known.seen_s + REFRESH_S <= seen_s != known.seen_s:
            self._store.remember(name, seen_s, _ENCODER.encode(_Known(seen_s, known.changes)))
        return holds


def _strictest(changes: list[_Change]) -> ConsentGiven:
    """Return what holds for a person of whose identities these are the latest changes."""
    if len(changes) == 1:
        return _given(changes[0])
    as_user = max(
        (each.order for each in changes if each.granted and each.as_user), default=(-math.inf, False)
    )
    denials = [each for each in changes if not each.granted and each.order > as_user]
    return _given(max(denials or changes, key=lambda each: each.order))


def _given(last: _Change) -> ConsentGiven:
    return ConsentGiven(last.granted, last.said_s, last.source)


def _add(changes: list[_Change], new: _Change) -> _Change:
    """Return the change that holds when this is said: itself, and then it is added, where it is news."""
    same = [
        each
        for each in changes
        if each.channel == new.channel and each.source == new.source and each.as_user is new.as_user
    ]
    before = [each for each in same if each.known_s < new.known_s and each.said_s <= new.said_s]
    last = max(before, key=lambda each: each.order, default=None)
    if last is not None and last.granted is new.granted:
        return last
    if new not in same:  # it is there already where it is read again after a crash
        changes.append(new)
        if len(same) >= CHANGES:
            changes.remove(min(same, key=lambda each: each.known_s))
    return new


def _of_visitor(visitor: str) -> str:
    return f"consent of visitor {visitor}"


def _of_user(user: str) -> str:
    return f"consent of user {user}"
