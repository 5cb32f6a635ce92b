"""One market: the abandonment model scores, the decision machine decides, and both learn from what follows.

Both live behind one key because the model may learn only from carts that no offer preceded, and only the
decisions know which those are.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from operators.abandonment.abandonment_model import Abandonment, OnDrift
from operators.abandonment.label_delay import When
from operators.decisions.decision_machine import Decisions
from operators.decisions.ledger import Ledger
from operators.decisions.output_records import Lesson, ModelAt, drift_said, outcome_said, score_said
from operators.decisions.selection import DecisionSettings, Scored
from operators.ingest.from_events import FEEDBACK
from operators.streaming.ids import SHARDS, check_format
from operators.streaming.messages import (
    Fact,
    FeatureRow,
    MarketBatch,
    Moment,
    Outcome,
    OutputRecord,
    Row,
    place,
)
from operators.streaming.watermark import NEVER, Watermark
from schemas.shop import Market, Offer

FORMAT: Final = 1
FIGURES_EVERY_S: Final = 10.0
"""Figures, which are dear, are said once in so many seconds of event time."""
WEIGHT_CAP: Final = 10.0
"""A lesson counts at most this many times, however improbable it was that no offer was made."""


class MarketSettings(msgspec.Struct, frozen=True):
    """How a market scores and decides, and whether rows are held until its time passes them.

    ``settle_s`` after a cart's moment its outcome counts for the base rate that is watched.
    """

    decisions: DecisionSettings = DecisionSettings()
    model: str = "logistic"
    on_drift: OnDrift = "report"
    settle_s: float = 0.0
    ordered: bool = False


class MarketOutput(msgspec.Struct, frozen=True, gc=False):
    """What a market says after a batch: records, rows for the feature store, and now and then figures."""

    market: str
    said: tuple[OutputRecord, ...]
    visits: tuple[FeatureRow, ...]
    figures: dict[str, float] | None


class _State(msgspec.Struct, array_like=True):
    format: int
    market: str
    promises: dict[int, float]
    time_s: float
    held: list[bytes]
    model: str
    abandonment: bytes
    decisions: bytes


class MarketStation:
    """The machine of one market. Bounded as its parts are and, in ordered mode, by the rows held."""

    def __init__(
        self,
        market: Market,
        offers: Sequence[Offer],
        ledger: Ledger,
        settings: MarketSettings,
        state: bytes | None = None,
    ) -> None:
        self.market = market
        self._settings = settings
        self._clock: Watermark[int] = Watermark(range(SHARDS))
        self._held: list[Row] = []
        self._visits: list[FeatureRow] = []
        self._figures_s = NEVER
        self.abandonment = Abandonment(settings.model, settings.on_drift, settings.settle_s)
        decided: bytes | None = None
        if state is not None:
            was = msgspec.msgpack.decode(state, type=_State)
            check_format(f"market {market.name}", was.format, FORMAT)
            self._clock.restore(was.promises, was.time_s)
            self._held = [_row(each) for each in was.held]
            if was.model == settings.model:
                self.abandonment = Abandonment.loads(was.abandonment, settings.on_drift, settings.settle_s)
            decided = was.decisions
        self.decisions = Decisions(market, offers, ledger, settings.decisions, decided)

    @property
    def time_s(self) -> float:
        """The time of this market: the least over its shards."""
        return self._clock.time_s

    def figures(self) -> dict[str, float]:
        """Return how good the model is, what the market notices about itself, and how much is held."""
        return {
            **self.abandonment.figures(),
            **self.decisions.tallies.diagnosis.figures(self.time_s, self.market.holdout),
            **self.decisions.figures(),
            "buffered_rows": len(self._held),
        }

    def take(self, parcels: Iterable[MarketBatch]) -> MarketOutput:
        """Take what the shards say, then their ticks; return what follows."""
        advanced = False
        for parcel in parcels:
            if self._settings.ordered:
                self._held += parcel.rows
            else:
                for row in parcel.rows:
                    self._take(row)
            for shard, tick_s in parcel.ticks:
                advanced |= self._clock.advance(shard, tick_s)
        if advanced:
            self._advance()
        said, self.decisions.said = self.decisions.said, []
        visits, self._visits = self._visits, []
        figures = None
        if advanced and self.time_s >= self._figures_s + FIGURES_EVERY_S:
            self._figures_s = self.time_s
            figures = self.figures()
        return MarketOutput(self.market.name, tuple(said), tuple(visits), figures)

    def _advance(self) -> None:
        time_s = self.time_s
        due = [row for row in self._held if row.at_s < time_s]
        if due:
            self._held = [row for row in self._held if row.at_s >= time_s]
            due.sort(key=place)
            for row in due:
                self.decisions.fire(row.at_s)
                self._take(row)
        self.decisions.fire(time_s)
        self.decisions.forget(time_s)

    def _take(self, row: Row) -> None:
        if isinstance(row, Moment):
            self._score(row)
        elif isinstance(row, Outcome):
            self._learn(row)
        elif row.type in FEEDBACK:
            self.decisions.take_feedback(row)
        else:
            self.decisions.take_order(row)

    def _score(self, moment: Moment) -> None:
        model = self.abandonment
        scored = Scored(model.score(moment.features), model.name, model.version)
        said = score_said(moment, scored.score, scored.model, scored.version)
        self.decisions.said.append(said)
        self._visits.append(FeatureRow(moment.market, moment.visitor, f"score/{moment.kind}", said.value))
        self.decisions.take_moment(moment, scored)

    def _learn(self, outcome: Outcome) -> None:
        model, weight, learned = self.abandonment, None, None
        decision = self.decisions.decision_for(outcome.cart)
        treated, none_probability = self.decisions.take_outcome(outcome)
        if outcome.features is not None and outcome.kind != "recovered":
            abandoned = outcome.kind == "abandoned"
            when = When(outcome.at_s if outcome.moment_at_s is None else outcome.moment_at_s, outcome.at_s)
            if treated:
                learned = model.observe_treated(outcome.features, abandoned, when)
            else:
                weight = min(1.0 / none_probability, WEIGHT_CAP) if none_probability > 0 else WEIGHT_CAP
                learned = model.learn(outcome.features, abandoned, weight, when)
        lesson = Lesson(treated, weight, learned.predicted if learned else None, decision)
        self.decisions.said.append(outcome_said(outcome, lesson))
        if learned is not None and learned.drifts:
            at = ModelAt(model.name, model.version, learned.triggered)
            self.decisions.said += [drift_said(outcome, drift, at) for drift in learned.drifts]

    def snapshot(self) -> bytes:
        """Return the state as bytes."""
        return msgspec.msgpack.encode(
            _State(
                FORMAT,
                self.market.name,
                self._clock.promises(),
                self.time_s,
                [_bytes(row) for row in self._held],
                self._settings.model,
                self.abandonment.dumps(),
                self.decisions.snapshot(),
            )
        )


def market_in(state: bytes) -> str:
    """Return the name of the market whose state this is."""
    return msgspec.msgpack.decode(state, type=_State).market


_KINDS: Final[tuple[type[Moment] | type[Outcome] | type[Fact], ...]] = (Moment, Outcome, Fact)


def _bytes(row: Row) -> bytes:
    return bytes([_KINDS.index(type(row))]) + msgspec.msgpack.encode(row)


def _row(written: bytes) -> Row:
    return msgspec.msgpack.decode(written[1:], type=_KINDS[written[0]])
