"""The history of controls: changes, proposals and approvals in the order of their records, one by one."""

from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple

import msgspec

from operators.controls.in_force import Check, controlled, fitting, value_in
from schemas.controls import Approval, Change, Withdrawal
from schemas.errors import SetupError
from schemas.shop import Shop
from schemas.shop_settings import is_within

MAX_SETTINGS: Final = 1000
MAX_PROPOSALS: Final = 100
KNOWN_IDS: Final = 1000
"""Of so many latest changes a second record with the same id is refused."""


class Entry(NamedTuple):
    """What a record did: its number in the history, the change that it is about, what held before.

    ``before`` has the values in force by path. ``approved_by`` is None for a change that needed nobody.
    """

    number: int
    outcome: Literal["applied", "proposed", "withdrawn"]
    change: Change
    before: dict[str, Any]
    approved_by: str | None


class _State(msgspec.Struct, array_like=True, kw_only=True):
    number: int
    version: int
    settings: dict[str, Any]
    proposals: list[str]
    known: list[str]


class ControlHistory:
    """What is in force after the records so far, and which proposals are open.

    Every record has a number, refused ones too, and ``version`` is that of the latest one that took effect:
    whoever reads the same topic counts the same. Bounded by ``MAX_SETTINGS``, ``MAX_PROPOSALS`` and
    ``KNOWN_IDS``.
    """

    def __init__(self, file: Shop, check: Check, state: bytes | None = None) -> None:
        self.number = 0
        self.version = 0
        self.settings: dict[str, Any] = {}
        self.proposals: dict[str, Change] = {}
        self._known: dict[str, None] = {}
        self._file = file
        self._check = check
        if state is not None:
            was = msgspec.msgpack.decode(state, type=_State)
            self.number, self.version, self.settings = was.number, was.version, was.settings
            changes = map(Change.model_validate_json, was.proposals)
            self.proposals = {change.id: change for change in changes}
            self._known = dict.fromkeys(was.known)
        self.in_force = fitting(file, self.settings, check)

    def take(self, record: Change | Approval | Withdrawal) -> Entry:
        """Process the next record; SetupError for one that is refused: everything stays as it was."""
        self.number += 1
        match record:
            case Change():
                return self._take_change(record)
            case Approval():
                return self._take_approval(record)
            case Withdrawal():
                return self._take_withdrawal(record)

    def would_be(self, settings: Mapping[str, Any]) -> tuple[dict[str, Any], Shop]:
        """Return all settings, and the shop, if these were set too; SetupError for what cannot be."""
        merged = _merged(self.settings, settings)
        if len(merged) > MAX_SETTINGS:
            raise SetupError(f"at most {MAX_SETTINGS} settings may differ from the offers file")
        left_out = [path for path in self.in_force.left_out if path not in settings]
        fits = {path: value for path, value in merged.items() if path not in left_out}
        return merged, controlled(self._file, fits, self._check)

    def _take_change(self, change: Change) -> Entry:
        if change.id in self._known:
            raise SetupError(f"id must be another for each change; {change.id!r} was there before")
        self._known[change.id] = None
        if len(self._known) > KNOWN_IDS:
            del self._known[next(iter(self._known))]
        before = self._before(change)
        merged, _ = self.would_be(change.set)
        if not (
            change.proposed or (self.in_force.shop.four_eyes and not only_stops(change, self.in_force.shop))
        ):
            self._apply(merged)
            return Entry(self.number, "applied", change, before, None)
        if len(self.proposals) >= MAX_PROPOSALS:
            raise SetupError(f"at most {MAX_PROPOSALS} proposals may be open; withdraw some")
        self.proposals[change.id] = change
        return Entry(self.number, "proposed", change, before, None)

    def _take_approval(self, approval: Approval) -> Entry:
        change = self._proposal(approval.change)
        if _same_name(approval.by, change.by):
            raise SetupError(f"by must be another name than that of the proposal, {change.by!r}")
        before = self._before(change)
        merged, _ = self.would_be(change.set)
        del self.proposals[change.id]
        self._apply(merged)
        return Entry(self.number, "applied", change, before, approval.by)

    def _take_withdrawal(self, withdrawal: Withdrawal) -> Entry:
        change = self._proposal(withdrawal.change)
        del self.proposals[change.id]
        return Entry(self.number, "withdrawn", change, self._before(change), None)

    def _proposal(self, id_: str) -> Change:
        if id_ not in self.proposals:
            known = ", ".join(self.proposals) or "none"
            raise SetupError(f"change must be one of the open proposals, {known}; got {id_!r}")
        return self.proposals[id_]

    def _before(self, change: Change) -> dict[str, Any]:
        return {path: value_in(self.in_force.shop, path) for path in change.set}

    def _apply(self, merged: dict[str, Any]) -> None:
        self.settings = merged
        self.version = self.number
        self.in_force = fitting(self._file, merged, self._check)

    def snapshot(self) -> bytes:
        """Return the state as bytes."""
        state = _State(
            number=self.number,
            version=self.version,
            settings=self.settings,
            proposals=[change.model_dump_json() for change in self.proposals.values()],
            known=list(self._known),
        )
        return msgspec.msgpack.encode(state)


def only_stops(change: Change, shop: Shop) -> bool:
    """Return whether a change only pauses offers, anywhere, and kills markets: nobody is asked for that."""
    return all(_stops(path.split("."), value, shop) for path, value in change.set.items())


def _stops(path: list[str], value: Any, shop: Shop) -> bool:  # noqa: ANN401  JSON
    match path:
        case ["killed"] | ["markets", _, "killed"] | ["offers", _, "paused"]:
            return value is True
        case ["offers", name, "markets"] if isinstance(value, list):
            sells_in = [each for each in shop.markets if name in (offer.name for offer in shop.arms(each))]
            return all(each in sells_in for each in value)
        case _:
            return False


def _merged(settings: Mapping[str, Any], changed: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings with changed ones last; null takes back what is set at or below its path."""
    merged = dict(settings)
    for path, value in changed.items():
        replaced = [each for each in merged if is_within(each, path)]
        if value is None and not replaced:
            raise SetupError(f"{path} must have been set by controls to be taken back")
        for each in replaced:
            del merged[each]
        if value is not None:
            merged[path] = value
    return merged


def _same_name(one: str, other: str) -> bool:
    return one.strip().casefold() == other.strip().casefold()
