"""What a market notices about itself: collapsed choices, rewards that stay away, orders of nobody known."""

import math
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from operators.decisions.order_joins import OrderJoins, OrderKey
from operators.experiments.unit_sketch import UnitSketch

MEMORY: Final = 500.0
"""Shares and entropies are over about this many decisions; older ones fade."""
ENOUGH: Final = 50.0
"""Shares and entropies are emitted only from this many decisions on, the holdout's from so many units."""
ENOUGH_ENDED: Final = 500
"""Conversion is emitted from this many ended decisions on: at 1 % five of them had an order."""
PRIOR_ORDERS: Final = 1.0
PRIOR_DECISIONS: Final = 50.0
"""Conversion is estimated from these orders and decisions, and from them alone until an order was attributed:
what was never observed is not zero."""


class Choices(msgspec.Struct, array_like=True):
    """Fading sums over decisions: arms drawn among several, how evenly, and decisions that had no choice.

    Bounded by the arms drawn lately.
    """

    arms: dict[str, float] = {}
    drawn: float = 0.0
    evenness: float = 0.0
    max_entropy: float = 0.0
    all: float = 0.0
    without: float = 0.0

    def add(self, arm: str, probabilities: Mapping[str, float], *, of_policy: bool, no_arm: bool) -> None:
        """Add a decision. Entropies are of the policy's draws alone."""
        keep = 1.0 - 1.0 / MEMORY
        self.all = self.all * keep + 1.0
        self.without = self.without * keep + no_arm
        if not of_policy or len(probabilities) < 2:
            return
        greatest = math.log(len(probabilities))
        self.arms = {name: count * keep for name, count in self.arms.items() if count > 1e-3}
        self.arms[arm] = self.arms.get(arm, 0.0) + 1.0
        self.drawn = self.drawn * keep + 1.0
        self.evenness = self.evenness * keep + entropy(probabilities.values()) / greatest
        self.max_entropy = self.max_entropy * keep + greatest

    def figures(self) -> dict[str, float]:
        """The figures there are enough decisions for."""
        figures = {}
        if self.all >= ENOUGH:
            figures["no_eligible_arm_share"] = self.without / self.all
        if self.drawn >= ENOUGH:
            shares = [count / self.drawn for count in self.arms.values()]
            figures["choice_entropy"] = min(entropy(shares) / (self.max_entropy / self.drawn), 1.0)
            figures["probability_entropy"] = self.evenness / self.drawn
        return figures


class Diagnosis(msgspec.Struct, array_like=True):
    """What one market notices about itself. Bounded as its parts are; times are event time.

    ``waiting`` counts the decisions with a choice since an order was attributed, ``attributions``
    the orders that were.
    """

    choices: Choices = msgspec.field(default_factory=Choices)
    balance: UnitSketch = msgspec.field(default_factory=UnitSketch)
    updates: int = 0
    ended: int = 0
    ordered: int = 0
    waiting: int = 0
    silent_since_s: float | None = None
    latest_s: float | None = None
    attributions: int = 0
    joins: OrderJoins = msgspec.field(default_factory=OrderJoins)

    def decided(self, at_s: float, *, had_choice: bool) -> None:
        """Note the time of a decision, and whether there was a choice: an order may be attributed to it."""
        self.latest_s = at_s
        if self.silent_since_s is None:
            self.silent_since_s = at_s
        self.waiting += had_choice

    def window_ended(self, *, is_trainable: bool, ordered: bool) -> None:
        """Note the end of a decision's window."""
        self.updates += is_trainable
        self.ended += 1
        self.ordered += ordered

    def attributed(self, at_s: float) -> None:
        """Note that an order was attributed to a decision: rewards arrive."""
        self.silent_since_s = at_s
        self.waiting = 0
        self.attributions += 1

    def order_came(self, keys: tuple[OrderKey, ...], *, joined: bool) -> None:
        """Note an order with the keys it carried, and whether it met a visit, a cart or a decision."""
        self.joins.add(keys, joined=joined)

    def order_joined(self, keys: tuple[OrderKey, ...]) -> None:
        """Note that an order that had met nobody met somebody after all."""
        self.joins.join(keys)

    def figures(self, time_s: float, holdout: float | None) -> dict[str, float]:
        """The figures at the market's time, those that are known yet.

        ``choice_entropy``: of the arms drawn, 0 (always the same) to 1 (all alike), divided by the log of
        how many were eligible. ``probability_entropy``: the mean of the same of each decision's
        probabilities. ``missed_rewards``: how many orders should have been attributed to the decisions since
        the last one that was, at the conversion so far. ``holdout_p_value``: how well the holdout's share of
        units fits ``holdout``. Those of orders: see ``OrderJoins``.
        """
        figures = self.choices.figures() | self.joins.figures()
        figures |= {"policy_updates": float(self.updates), "orders_attributed": float(self.attributions)}
        now_s = time_s if math.isfinite(time_s) else self.latest_s
        if self.silent_since_s is not None and now_s is not None:
            figures["reward_silence_seconds"] = max(now_s - self.silent_since_s, 0.0)
            ended = self.ended if self.attributions else 0
            expected = (self.ordered + PRIOR_ORDERS) / (ended + PRIOR_DECISIONS)
            figures["missed_rewards"] = self.waiting * expected
        if self.ended >= ENOUGH_ENDED:
            figures["conversion"] = self.ordered / self.ended
        share = self.balance.share
        if share is not None and len(self.balance.kept) >= ENOUGH:
            figures["holdout_share"] = share
            if holdout is not None:
                figures["holdout_p_value"] = self.balance.p_value(holdout)
        return figures


def entropy(shares: Iterable[float]) -> float:
    """The entropy of shares that sum to one, in nats.

    >>> round(entropy([0.5, 0.5]), 4)
    0.6931
    """
    return 0.0 - sum([share * math.log(share) for share in shares if share > 0.0])
