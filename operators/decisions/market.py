"""One market: the abandonment model scores, the decision machine decides, and both learn from what follows.

Both live behind one key because the model may train only on carts that no offer preceded, and only the
decisions know which those are.
"""

import math
from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec

from operators.abandonment.abandonment_model import AbandonmentModel
from operators.abandonment.label_delay import OutcomeTimes
from operators.decisions.catalog import LatestCatalog
from operators.decisions.decision_machine import DecisionMachine, MarketConfig, rows_of_decisions
from operators.decisions.output_records import (
    ModelState,
    OutcomeTraining,
    drift_record,
    outcome_record,
    score_record,
)
from operators.decisions.selection import Prediction
from operators.decisions.settings import MarketSettings
from operators.decisions.unit_costs import KNOWN_FOR_S, with_unit_costs
from operators.streaming.ids import SHARDS, check_format
from operators.streaming.messages import (
    AnyFeedback,
    AnyOrderRevision,
    CartBought,
    CartOutcome,
    ConsentKnown,
    ControlsChange,
    FeatureRow,
    MarketBatch,
    MarketEvent,
    MarketOutput,
    Moment,
    OfferClick,
    OfferDismissal,
    OfferImpression,
    OfferRedemption,
    Order,
    OrderCancellation,
    OrderRefund,
    OrderUpdate,
    OutputRecord,
    PersonErased,
    ProductChange,
    UserKnown,
    place,
)
from operators.streaming.watermark import NEVER, Watermark

FORMAT: Final = 3
ADVANCE_EVERY_S: Final = 1 / 16
"""What is due is done in slices of at least so much event time, since shards tell theirs in turn."""
DUE_AT_ONCE: Final = 100
"""Of what is due at a time no more is done between two batches; whoever is touched is brought up to date."""
FIGURES_EVERY_S: Final = 10.0
"""Figures are expensive to compute, so they are emitted every ten seconds of event time."""
PRODUCTS_KEPT_S: Final = 2 * KNOWN_FOR_S
"""What products were is kept this long: for orders that are told late, and moments that come late."""
WEIGHT_CAP: Final = 10.0
"""An update has at most this weight, however improbable it was that no offer was made."""


class _State(msgspec.Struct, array_like=True, kw_only=True):
    format: int
    market: str
    watermarks: dict[int | str, float]
    time_s: float
    buffered: list[MarketEvent]
    model: str
    abandonment: bytes
    decisions: bytes


class MarketStation:
    """The machine of one market. Bounded as its parts are and, in ordered mode, by the events buffered."""

    def __init__(self, config: MarketConfig, settings: MarketSettings, state: bytes | None = None) -> None:
        self.name = config.name
        self._settings = settings
        self._catalog = config.catalog
        self._sealed_s = self._snapshot_s = NEVER
        self._clock: Watermark[int | str] = Watermark((*range(SHARDS), *settings.partitions))
        self._buffered: list[MarketEvent] = []
        self._features: list[FeatureRow] = []
        self._advanced_s = self._figures_s = NEVER
        self._is_behind = False
        self.abandonment = AbandonmentModel(settings.model, settings.on_drift, settings.label_delay_s)
        decisions: bytes | None = None
        if state is not None:
            was = msgspec.msgpack.decode(state, type=_State)
            check_format(f"market {config.name}", was.format, FORMAT)
            self._clock.restore(was.watermarks, was.time_s)
            self._buffered = was.buffered
            if was.model == settings.model:
                self.abandonment = AbandonmentModel.loads(
                    was.abandonment, settings.on_drift, settings.label_delay_s
                )
            decisions = was.decisions
        if not settings.ordered:
            config = config._replace(catalog=LatestCatalog(config.catalog))
        self.decisions = DecisionMachine(config, settings.decisions, decisions)

    @property
    def time_s(self) -> float:
        """The time of this market: the least over its shards and the partitions of its own."""
        return self._clock.time_s

    def figures(self) -> dict[str, float]:
        """Return how good the model is, what the market notices about itself, and how much is held."""
        return {
            **self.abandonment.figures(),
            **self.decisions.statistics.diagnosis.figures(self.time_s, self.decisions.market.holdout),
            **self.decisions.figures(),
            "buffered_rows": len(self._buffered),
        }

    def process(self, batches: Iterable[MarketBatch]) -> MarketOutput:
        """Process what is sent to this market, then the watermarks; return what follows."""
        records: list[OutputRecord] = []
        advanced = False
        for batch in batches:
            self._keep_products(batch.events)
            if self._settings.ordered:
                self._buffered += batch.events
            else:
                for event in sorted(batch.events, key=_follows_people):
                    records += self._process(event)
            advanced |= self._clock.advance_all(batch.watermarks)
        advanced = advanced and self.time_s >= self._advanced_s + ADVANCE_EVERY_S
        if advanced or self._is_behind:
            self._advanced_s = self.time_s
            records += self._advance()
        features, self._features = self._features, []
        figures, budgets = None, dict[str, dict[str, float]]()
        if advanced and self.time_s >= self._figures_s + FIGURES_EVERY_S:
            self._figures_s = self.time_s
            figures, budgets = self.figures(), self.decisions.budgets(self.time_s)
        return MarketOutput(self.name, tuple(records), tuple(features), figures, budgets)

    def _keep_products(self, events: Iterable[MarketEvent]) -> None:
        """Keep what products are as soon as it is read: whoever asks says as of when."""
        for event in events:
            if isinstance(event, ProductChange):
                self._catalog.put(event.sku, event.at_s, event.product)

    def _advance(self) -> list[OutputRecord]:
        time_s = self.time_s
        records: list[OutputRecord] = []
        due = [event for event in self._buffered if event.at_s < time_s]
        if due:
            self._buffered = [event for event in self._buffered if event.at_s >= time_s]
            due.sort(key=place)
            for event in due:
                records += self.decisions.advance(event.at_s)
                records += self._process(event)
        if self._settings.ordered or not math.isfinite(time_s):
            records += self.decisions.advance(time_s)
        else:
            records += self.decisions.advance(time_s, DUE_AT_ONCE)
            self._is_behind = self.decisions.has_due(time_s)
        self.decisions.forget(time_s)
        # A start would go back to what is sealed, however far time has come since.
        self._catalog.forget(min(time_s, self._sealed_s) - PRODUCTS_KEPT_S)
        return records

    def _process(self, event: MarketEvent) -> list[OutputRecord]:
        """Return what follows from one event; KeyError for a kind without a handler."""
        return _HANDLERS[type(event)](self, event)

    # Handlers: one a kind of event, in the table at the end

    def on_moment(self, moment: Moment) -> list[OutputRecord]:
        """Score a moment and decide."""
        model = self.abandonment
        prediction = Prediction(model.score(moment.features), model.name, model.version)
        score = score_record(moment, prediction)
        self._features.append(FeatureRow(moment.market, moment.visitor, f"score/{moment.kind}", score.value))
        return [score, *self.decisions.process_moment(moment, prediction, model.contributions)]

    def on_outcome(self, outcome: CartOutcome) -> list[OutputRecord]:
        """Train the model on what became of a cart, or only judge it where an offer preceded that."""
        model, weight, learned = self.abandonment, None, None
        version = model.version
        treatment = self.decisions.close_cart(outcome)
        is_news = outcome.kind != "recovered" and not self.decisions.has_relearned(outcome)
        if outcome.features is not None and is_news:
            abandoned = outcome.kind == "abandoned"
            moment_at_s = outcome.at_s if outcome.moment_at_s is None else outcome.moment_at_s
            times = OutcomeTimes(moment_at_s, outcome.at_s)
            if treatment.treated:
                learned = model.observe_treated(outcome.features, abandoned, times)
            else:
                none_probability = treatment.none_probability
                weight = min(1.0 / none_probability, WEIGHT_CAP) if none_probability > 0 else WEIGHT_CAP
                learned = model.learn(outcome.features, abandoned, weight, times)
        training = OutcomeTraining(weight, learned.predicted if learned else None, version)
        records = [outcome_record(outcome, treatment, training)]
        if learned is not None and learned.drifts:
            state = ModelState(model.name, model.version, learned.triggered)
            records += [drift_record(outcome, drift, state) for drift in learned.drifts]
        return records

    def on_product(self, change: ProductChange) -> list[OutputRecord]:
        """Revoke the offers on a product that is sold out."""
        return self.decisions.product_changed(change)

    def on_order(self, order: Order) -> list[OutputRecord]:
        """Attribute an order."""
        rate = self.decisions.market.margin_rate
        return self.decisions.process_order(with_unit_costs(order, self._catalog, rate))

    def on_bought(self, event: CartBought) -> list[OutputRecord]:
        """Note whose cart an order bought."""
        return self.decisions.process_bought(event)

    def on_revision(self, event: AnyOrderRevision) -> list[OutputRecord]:
        """Revise what an order brought."""
        if isinstance(event, OrderUpdate):
            event = with_unit_costs(event, self._catalog, self.decisions.market.margin_rate)
        return self.decisions.process_revision(event)

    def on_person(self, event: UserKnown | ConsentKnown) -> list[OutputRecord]:
        """Note who a visitor is, or what somebody agreed to."""
        return self.decisions.know_person(event)

    def on_erased(self, event: PersonErased) -> list[OutputRecord]:
        """Forget a person."""
        records, visitors = self.decisions.erase(event)
        self._features += [FeatureRow(self.name, visitor, "", b"") for visitor in visitors]
        return records

    def on_feedback(self, feedback: AnyFeedback) -> list[OutputRecord]:
        """Note what a visitor did with an offer."""
        return self.decisions.process_feedback(feedback)

    def on_controls(self, change: ControlsChange) -> list[OutputRecord]:
        """Take up what controls have changed."""
        return self.decisions.process_controls(change)

    def snapshot(self) -> bytes:
        """Return the state as bytes; the snapshot before this one is sealed by now."""
        self._sealed_s, self._snapshot_s = self._snapshot_s, self.time_s
        self._catalog.sync()
        state = _State(
            format=FORMAT,
            market=self.name,
            watermarks=self._clock.inputs(),
            time_s=self.time_s,
            buffered=self._buffered,
            model=self._settings.model,
            abandonment=self.abandonment.dumps(),
            decisions=self.decisions.snapshot(),
        )
        return msgspec.msgpack.encode(state)


_HANDLERS: Final[dict[type[Any], Callable[[MarketStation, Any], list[OutputRecord]]]] = {
    Moment: MarketStation.on_moment,
    CartOutcome: MarketStation.on_outcome,
    UserKnown: MarketStation.on_person,
    ConsentKnown: MarketStation.on_person,
    PersonErased: MarketStation.on_erased,
    ProductChange: MarketStation.on_product,
    ControlsChange: MarketStation.on_controls,
    CartBought: MarketStation.on_bought,
    Order: MarketStation.on_order,
    OrderUpdate: MarketStation.on_revision,
    OrderRefund: MarketStation.on_revision,
    OrderCancellation: MarketStation.on_revision,
    OfferImpression: MarketStation.on_feedback,
    OfferClick: MarketStation.on_feedback,
    OfferDismissal: MarketStation.on_feedback,
    OfferRedemption: MarketStation.on_feedback,
}


def _follows_people(event: MarketEvent) -> bool:
    """Return whether something is processed after what the same batch tells of people, in immediate mode.

    Timers fire late, when what was read with them may have happened after them: nobody gets an offer for a
    cart that is known to be bought, or on a channel that is known to be refused.
    """
    return not isinstance(event, Order | CartBought | UserKnown | ConsentKnown)


def rows_in(state: bytes) -> bytes:
    """Return the snapshot of the rows of the market whose state this is."""
    return rows_of_decisions(msgspec.msgpack.decode(state, type=_State).decisions)


def market_in(state: bytes) -> str:
    """Return the name of the market whose state this is."""
    return msgspec.msgpack.decode(state, type=_State).market
