"""What the demo's topics say so far: sums by arm and by group, the learning curve, the latest offers."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from flows.demo.snapshot import ArmFigures, Snapshot
from schemas.decisions import Decision, Reward
from schemas.message import Message, first_header
from schemas.offers import OfferDecided
from schemas.partial_records import partial_decoder
from schemas.records import decoder

RECENT_OFFERS: Final = 6


class TopicSums:
    """Sums over the records of the offers and the decisions topic.

    Bounded by the visitors of a demo, who are remembered so that each counts once.
    """

    def __init__(self) -> None:
        self.offers = 0
        self.recent: list[str] = []
        self.curve: list[float] = []
        self._decisions: Counter[str] = Counter()
        self._windows: Counter[str] = Counter()
        self._profit: dict[str, float] = {}
        self._visitors: dict[bool, set[str]] = {True: set(), False: set()}
        self._profit_of_group: dict[bool, float] = {True: 0.0, False: 0.0}
        self._windows_in_point, self._profit_in_point = 0, 0.0

    def add(self, message: Message) -> None:
        """Add a record of one of the topics; those that no handler is for change nothing."""
        handler = HANDLERS.get(first_header(message.headers, "ce_type") or "")
        if handler is not None and message.value is not None:
            handler.add(self, handler.decode(message.value))

    def add_decision(self, decision: Decision) -> None:
        """Add a decision."""
        self._decisions[decision.arm] += 1

    def add_offer(self, offer: OfferDecided) -> None:
        """Add an offer that was made."""
        self.offers += 1
        self.recent = [offer_line(offer), *self.recent[: RECENT_OFFERS - 1]]

    def add_reward(self, reward: Reward) -> None:
        """Add a reward."""
        arm, profit, windows = reward.arm, reward.profit, int(reward.kind == "window")
        self._windows[arm] += windows
        self._profit[arm] = self._profit.get(arm, 0.0) + profit
        self._visitors[reward.holdout].add(reward.visitor_id)
        self._profit_of_group[reward.holdout] += profit
        self._windows_in_point += windows
        self._profit_in_point += profit

    def add_curve_point(self) -> None:
        """End a point of the learning curve: the mean reward since the last one."""
        if self._windows_in_point:
            self.curve.append(self._profit_in_point / self._windows_in_point)
            self._windows_in_point, self._profit_in_point = 0, 0.0

    def fill(self, snapshot: Snapshot, true_values: dict[str, float]) -> Snapshot:
        """Return the snapshot with these sums, and with the true value of each arm."""
        arms = {
            arm: ArmFigures(
                decisions, ratio(self._profit.get(arm, 0.0), self._windows[arm]), true_values.get(arm)
            )
            for arm, decisions in self._decisions.items()
        }
        return replace(
            snapshot,
            decisions=self._decisions.total(),
            offers=self.offers,
            arms=arms,
            reward=ratio(sum(self._profit.values()), self._windows.total()),
            profit_treated=ratio(self._profit_of_group[False], len(self._visitors[False])),
            profit_holdout=ratio(self._profit_of_group[True], len(self._visitors[True])),
            curve=tuple(self.curve),
            recent=tuple(self.recent),
        )


def ratio(total: float, count: int) -> float | None:
    """Return a mean; None of nothing.

    >>> ratio(3.0, 2), ratio(0.0, 0)
    (1.5, None)
    """
    return total / count if count else None


def offer_line(offer: OfferDecided) -> str:
    """Return an offer as one line of text."""
    data, treatment, cart = offer.data, offer.data.treatment, offer.data.cart
    return (
        f"{datetime.fromtimestamp(data.at.seconds, UTC):%H:%M:%S} {data.visitor_id}: {treatment.name} by "
        f"{treatment.channel}, cart {cart.value:.2f} {cart.currency}, abandonment {data.abandonment:.2f}, "
        f"propensity {data.propensity:.2f}"
    )


class Handler(NamedTuple):
    """What is read of a type of record, and what adds it."""

    decode: Callable[[bytes], Any]
    add: Callable[[TopicSums, Any], None]


HANDLERS: Final = {
    "decision": Handler(partial_decoder(Decision, "arm"), TopicSums.add_decision),
    "reward": Handler(
        partial_decoder(Reward, "arm", "profit", "kind", "holdout", "visitor_id"), TopicSums.add_reward
    ),
    "offer.decided": Handler(decoder(OfferDecided), TopicSums.add_offer),
}
