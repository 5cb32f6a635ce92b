"""The records of ``shop.controls``: changes in force for all markets, consents for the one they name."""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from operators.controls.cause import cause_of
from operators.controls.history import ControlHistory
from operators.controls.in_force import Check
from operators.ingest.market_reader import MarketRecord
from operators.streaming.messages import ConsentKnown, ControlsChange, ControlSetting, MarketInput
from schemas.adapters.pseudonyms import Kind
from schemas.controls import Approval, Change, Consent, Withdrawal, read_control
from schemas.errors import SetupError
from schemas.message import Message
from schemas.rejected import InvalidEvent, RejectClass
from schemas.shop import Shop

CONTROL: Final[RejectClass] = "control"
MAX_BYTES: Final = 100_000
"""The longest record: what is in force is part of a snapshot, and people write it."""


class ControlRecords:
    """What the records of controls mean, given the offers file; remembers what ``ControlHistory`` does.

    A record without a value says nothing: it is how others clean up a compacted topic. ``named`` returns by
    which name a visitor or a user is known.
    """

    def __init__(
        self, file: Shop, check: Check, named: Callable[[Kind, str], str] = lambda _kind, id_: id_
    ) -> None:
        self._named = named
        self._file = file
        self._check = check
        self.history = ControlHistory(file, check)

    def decode(self, message: Message) -> MarketRecord:
        """Return what a record says, and take nothing in yet; InvalidEvent for one that is refused."""
        if message.value is None:
            return MarketRecord(None, lambda _at_s: ())
        if len(message.value) > MAX_BYTES:
            raise InvalidEvent("too_large", f"{len(message.value)} bytes; at most {MAX_BYTES} are taken")
        try:
            record = read_control(message.value)
        except ValueError as error:
            raise InvalidEvent(CONTROL, str(error)) from None
        id_ = f"{message.topic}/{message.partition}/{message.offset:012d}"
        inputs_at = lambda at_s: self._inputs(record, id_, at_s)  # noqa: E731  it has what the record has
        return MarketRecord(record.at.timestamp(), inputs_at)

    def _inputs(
        self, record: Change | Approval | Withdrawal | Consent, id_: str, at_s: float
    ) -> Sequence[MarketInput]:
        if isinstance(record, Consent):
            return [self._consent(record, id_, at_s)]
        try:
            entry = self.history.take(record)
        except SetupError as error:
            raise InvalidEvent(CONTROL, str(error)) from None
        return self._in_force(at_s, cause_of(entry)) if entry.outcome == "applied" else ()

    def _consent(self, record: Consent, id_: str, at_s: float) -> ConsentKnown:
        if record.market not in self._file.markets:
            known = ", ".join(sorted(self._file.markets))
            raise InvalidEvent("unknown_market", f"market {record.market!r} is not among {known}")
        said_s = min(record.at.timestamp(), at_s)
        return ConsentKnown(
            at_s=at_s,
            visitor="" if record.visitor_id is None else self._named("visitor", record.visitor_id),
            id=id_,
            market=record.market,
            consent={str(channel): granted for channel, granted in record.consent.items()},
            source="controls",
            user=None if record.user_id is None else self._named("user", record.user_id),
            happened_s=None if said_s == at_s else said_s,
        )

    def _in_force(self, at_s: float, cause: bytes | None) -> list[MarketInput]:
        """Return the change to what is in force, for every market."""
        version = self.history.version
        settings = tuple(
            ControlSetting(path, msgspec.json.encode(value)) for path, value in self.history.settings.items()
        )
        return [
            ControlsChange(
                at_s=at_s,
                id=f"controls/{version:012d}",
                market=market,
                version=version,
                settings=settings,
                cause=cause,
            )
            for market in self._file.markets
        ]

    def resumed(self, at_s: float) -> Sequence[MarketInput]:
        """Return what is in force, which a market that is new in the offers file does not know."""
        return self._in_force(at_s, None) if self.history.version else ()

    def state(self) -> bytes:
        """Return what is remembered."""
        return self.history.snapshot()

    def restore(self, state: bytes) -> None:
        """Take up what was remembered."""
        self.history = ControlHistory(self._file, self._check, state)
