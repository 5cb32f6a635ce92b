"""What a paced budget earns, beside the offline optimum that knows the true mean effects.

The real decision machine, rules and policy, over simulated carts. The optimum is the linear programme over
the carts that came, with the true mean gain and the true mean cost of each arm, in fractions of offers: its
value is an upper bound of what any policy earns under that budget. ``profit`` is that of all carts beside the
optimum's; ``gain`` is what offers add to it, beside what the optimum's add: the stricter figure.
"""

import argparse
import heapq
import statistics
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import numpy as np
import orjson

from flows.assembly import decision_settings
from flows.settings import Settings
from flows.stores.memory_ledger import MemoryLedger
from operators.bandits import loads
from operators.bandits.context import Context, Surcharges
from operators.bandits.policy import Policy
from operators.bandits.spec import policy_from_spec
from operators.decisions.budgets.money import MICROS
from operators.decisions.decision_machine import DecisionMachine, MarketConfig
from operators.decisions.rules import RuleBook
from operators.decisions.rules.budget import BudgetRule
from operators.decisions.rules.rule import Situation
from operators.decisions.selection import Prediction
from operators.state.rows import StateRows
from operators.streaming.messages import Line, Moment, Order
from schemas.limits import Budget
from schemas.shop import Market, Offer, Shop

START_S = datetime(2026, 3, 2, tzinfo=UTC).timestamp()
DAY_S = 86_400.0
MARGIN = 0.4
REDEEMS = 0.9
ARMS = ("ten_percent", "five_off", "free_shipping")
FEATURES = ("cart_value", "at_risk", "events", "pages")


class World(NamedTuple):
    """How carts come and what offers change: ``days``, carts a day, drift of effects and of traffic."""

    days: int = 14
    a_day: int = 600
    effects_drift: bool = False
    traffic_drift: bool = False


class Carts(NamedTuple):
    """Carts that came: when, what they were worth, their risk, and by arm the true means.

    ``buys`` (carts, arms + 1) is the probability of an order, ``gains`` and ``costs`` (carts, arms) are mean
    profit beside no offer and mean cost of the offer.
    """

    at_s: np.ndarray
    value: np.ndarray
    risk: np.ndarray
    buys: np.ndarray
    gains: np.ndarray
    costs: np.ndarray


def offers(limit: float = 10.0) -> tuple[Offer, ...]:
    given = {"channel": "on_site", "expires_after": timedelta(hours=2), "reward_window": timedelta(hours=3)}
    return (
        Offer(name="ten_percent", kind="percent_off", value=10.0, max_discount=limit, **given),
        Offer(name="five_off", kind="amount_off", value=5.0, **given),
        Offer(name="free_shipping", kind="free_shipping", value=3.9, **given),
    )


def discounts(value: np.ndarray) -> np.ndarray:
    """What each offer costs at a cart of this value, if it is redeemed."""
    return np.stack([np.minimum(0.1 * value, 10.0), np.full_like(value, 5.0), np.full_like(value, 3.9)], 1)


def carts(world: World, rng: np.random.Generator, *, history: bool = False) -> Carts:
    """Draw the carts of a campaign, or of an even history before it."""
    hours = np.arange(world.days * 24)
    rate = 1.0 + 0.8 * np.sin((hours % 24 - 9) / 24 * 2 * np.pi)
    if world.traffic_drift:
        rate = rate * np.where(hours < world.days * 12, 1.0, 1.7) * (1 + 0.3 * (hours // 24 % 7 >= 5))
    counts = rng.poisson(rate * world.a_day / 24)
    at_s = np.sort(np.repeat(hours * 3600.0, counts) + rng.uniform(0, 3600, counts.sum())) + START_S
    size = len(at_s)
    value = np.exp(rng.normal(3.9, 0.45, size))
    risk = rng.beta(2.0, 2.0, size)
    ages = np.zeros(size) if history or not world.effects_drift else (at_s - START_S) / (world.days * DAY_S)
    base = 0.42 - 0.36 * risk
    lifts = np.stack(
        [
            (0.02 + 0.22 * risk) * (1.2 - 0.9 * ages),
            (0.01 + 0.15 * risk) * (0.8 + 0.6 * ages),
            (0.02 + 0.09 * risk) * (1.0 + 0.8 * np.sin(2 * np.pi * ages)),
        ],
        1,
    )
    buys = np.concatenate([base[:, None], base[:, None] + lifts], 1)
    costs = buys[:, 1:] * REDEEMS * discounts(value)
    gains = lifts * MARGIN * value[:, None] - costs
    return Carts(at_s, value, risk, buys, gains, costs)


def optimum(found: Carts, uses: np.ndarray, budget: float) -> tuple[float, float]:
    """Return what the offline optimum gains beside no offer, and the price at which it does.

    ``uses`` (carts, arms) is what of the budget each arm uses on average.
    """

    def dual(price: float) -> float:
        return price * budget + np.maximum(found.gains - price * uses, 0.0).max(axis=1).sum()

    low, high = 0.0, 20.0
    for _ in range(80):
        a, b = low + (high - low) / 3, high - (high - low) / 3
        low, high = (low, b) if dual(a) < dual(b) else (a, high)
    return dual(low), low


def unconstrained_cost(found: Carts) -> float:
    best = found.gains.argmax(axis=1)
    rows = np.arange(len(best))
    return float(np.where(found.gains[rows, best] > 0.0, found.costs[rows, best], 0.0).sum())


def context(found: Carts, at: int, noise: np.ndarray) -> dict[str, float | str]:
    value, risk = float(found.value[at]), float(found.risk[at])
    return {"cart_value": value, "at_risk": value * risk, "events": float(noise[0]), "pages": float(noise[1])}


def earned(found: Carts, at: int, arm: int, rng: np.random.Generator) -> float:
    if rng.random() >= found.buys[at, arm]:
        return 0.0
    cost = discounts(found.value[at : at + 1])[0][arm - 1] if arm and rng.random() < REDEEMS else 0.0
    return float(MARGIN * found.value[at] - cost)


def taught(world: World, spec: str, seed: int, updates: int) -> Policy:
    """A policy that has learned from so many carts with arms drawn evenly."""
    rng = np.random.default_rng(seed + 10_000)
    days = max(1, -(-2 * updates // world.a_day))
    found = carts(world._replace(days=days, traffic_drift=False), rng, history=True)
    policy = policy_from_spec(spec, seed=seed)
    for at in range(updates):
        arm = int(rng.integers(0, 4))
        seen = context(found, at, rng.random(2)) | {"abandonment": float(found.risk[at])}
        policy.update(("no_offer", *ARMS)[arm], seen, earned(found, at, arm, rng))
    return policy


class Known:
    """A policy that knows the true mean gains: what is lost under it, pacing loses."""

    updates = 0

    def __init__(self, found: Carts) -> None:
        gains = zip(found.value.tolist(), found.gains.tolist(), strict=True)
        self._gains = {value: dict(zip(ARMS, of, strict=True)) for value, of in gains}

    def values(self, arms: Sequence[str], context: Context) -> dict[str, float]:
        known = self._gains[context["cart_value"]]
        return {arm: known.get(arm, 0.0) for arm in arms}

    def choose(
        self, arms: Sequence[str], context: Context, seed: int, surcharges: Surcharges | None = None
    ) -> tuple[str, dict[str, float]]:
        del seed
        values = self.values(arms, context)
        best = max(arms, key=lambda arm: values[arm] - (surcharges or {}).get(arm, 0.0))
        return best, {arm: float(arm == best) for arm in arms}

    def update(self, *_: object) -> float:
        return 0.0


class FixedPrice(BudgetRule):
    """The same budget at one price."""

    def __init__(self, price: float) -> None:
        super().__init__(StateRows())
        self.fixed = price

    def surcharges(self, offers: Sequence[Offer], now: Situation) -> dict[str, float]:
        value, pacing = now.moment.cart_value, self._pacing
        return {
            each.name: self.fixed * pacing.rates.share(each.name) * pacing.at_cart(each.name, value)
            for each in offers
        }


class Ran(NamedTuple):
    """What came of a run: the true mean gain of what was chosen, spent money, the most ever used."""

    gain: float
    spent: float
    used: float


def run(
    found: Carts, budget: Budget, policy: Policy | Known, seed: int, rule: BudgetRule | None = None
) -> Ran:
    """Play the carts to the machine."""
    rng = np.random.default_rng(seed)
    rules = {"cooldown": {"after_offer": "0s", "after_purchase": "0s"}, "consent": {"required": []}}
    shop = Shop(
        markets={"default": Market(name="default", margin_rate=MARGIN, holdout=0.0, rules=rules)},
        offers=offers(),
        budgets={"all": budget},
    )
    machine = DecisionMachine(
        MarketConfig(shop, "default", MemoryLedger()), decision_settings(Settings(), float("-inf"))
    )
    machine.policy = policy
    if rule is None:
        [rule] = [each for each in machine._rules.rules if isinstance(each, BudgetRule)]
    else:
        others = [each for each in machine._rules.rules if not isinstance(each, BudgetRule)]
        machine._rules = machine._life._rules = RuleBook([*others, rule])
        machine._orders._parts = machine._orders._parts._replace(rules=machine._rules)
        machine._options = machine._options._replace(rules=machine._rules)
        machine._rules.configure(shop, machine.market)
    [account] = rule._accounts.values()
    orders: list[tuple[float, int, Order]] = []
    gain = used = spent = 0.0

    def tell(until_s: float) -> None:
        nonlocal spent
        records = []
        while orders and orders[0][0] < until_s:
            _, _, order = heapq.heappop(orders)
            records += machine.advance(order.at_s) + machine.process_order(order)
        records += machine.advance(until_s)
        machine.forget(until_s)
        spent += sum(orjson.loads(each.value)["cost"] for each in records if each.type == "reward")

    for at, at_s in enumerate(found.at_s.tolist()):
        tell(at_s)
        visitor, value = f"v{at}", float(found.value[at])
        moment = Moment(
            at_s=at_s,
            visitor=visitor,
            id=f"m{at}",
            market="default",
            kind="cart_idle",
            cart=f"c{at}",
            cart_value=value,
            lines=(Line("a", 1, value, None, None),),
            features=context(found, at, rng.random(2)),
            user=None,
            session=None,
            read_s=None,
            sent_s=None,
        )
        records = machine.process_moment(moment, Prediction(float(found.risk[at]), "known", 0))
        decision = orjson.loads(records[0].value)
        arm = 0 if decision["arm"] == "no_offer" else 1 + ARMS.index(decision["arm"])
        gain += found.gains[at, arm - 1] if arm else 0.0
        used = max([used, *(each.used for each in account.totals.values())])
        if rng.random() < found.buys[at, arm]:
            redeemed = (decision["decision_id"],) if arm and rng.random() < REDEEMS else ()
            order = Order(
                at_s=at_s + min(float(rng.exponential(1800.0)), 7000.0),
                visitor=visitor,
                id=f"o{at}",
                market="default",
                order=f"o{at}",
                cart=f"c{at}",
                lines=moment.lines,
                offers=redeemed,
                position=f"p/{at}",
            )
            heapq.heappush(orders, (order.at_s, at, order))
    tell(found.at_s[-1] + 10 * DAY_S)
    return Ran(gain, spent, used / MICROS)


def campaign(world: World, amount: float, grace: timedelta = timedelta(hours=1)) -> Budget:
    start = datetime.fromtimestamp(START_S, UTC)
    ends = start + timedelta(days=world.days)
    return Budget(amount=round(amount, 2), by="campaign", starts=start, ends=ends, grace=grace)


class Row(NamedTuple):
    """Ours, first come first served, or a fixed price, in one world with one seed."""

    profit: float
    gain: float
    spent: float
    used: float


def rows(
    world: World, seed: int, *, updates: int | None, share: float = 0.4, number: int | None = None
) -> dict[str, Row]:
    """Return by strategy how near to the optimum it came.

    The budget is this ``share`` of what the best offers without a budget would cost, or a ``number``. The
    policy has learned from so many carts, or knows the truth.
    """
    found = carts(world, np.random.default_rng(seed))
    budget = campaign(world, share * unconstrained_cost(found))
    if number is not None:
        budget = budget.model_copy(update={"amount": None, "number": number})
    limit = budget.amount if number is None else number
    best, price = optimum(found, found.costs if number is None else np.ones_like(found.costs), limit)
    without = float((found.buys[:, 0] * MARGIN * found.value).sum())
    policy = b"" if updates is None else taught(world, Settings().policy, seed, updates).dumps()
    strategies = {
        "paced": (budget, None),
        "fixed price": (budget, FixedPrice(price)),
        "first come": (budget.model_copy(update={"paced": False}), None),
    }
    said = {}
    for name, (each, rule) in strategies.items():
        ran = run(found, each, loads(policy) if policy else Known(found), seed, rule)
        profit = (without + ran.gain) / (without + best)
        said[name] = Row(profit, ran.gain / best, ran.spent / limit, ran.used / limit)
    return said


WORLDS = {
    "stationary": (World(), 20_000),
    "drift of effects and traffic": (World(effects_drift=True, traffic_drift=True), 20_000),
    "stationary, effects unknown": (World(), 0),
    "stationary, effects known": (World(), None),
}


def main() -> None:
    """Print the table: medians over seeds, and the worst of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--a-day", type=int, default=400)
    parser.add_argument("--world", choices=WORLDS, help="this one alone")
    given = parser.parse_args()
    head = f"{'world':30}{'strategy':13}{'profit':>8}{'worst':>8}{'gain':>8}{'spent':>8}{'most used':>11}\n"
    sys.stdout.write(head)
    for title, (world, updates) in WORLDS.items():
        if given.world not in {None, title}:
            continue
        found = [
            rows(world._replace(a_day=given.a_day), seed, updates=updates) for seed in range(given.seeds)
        ]
        for name in found[0]:
            columns = list(zip(*(each[name] for each in found), strict=True))
            profit, gain, spent, _ = map(statistics.median, columns)
            sys.stdout.write(
                f"{title:30}{name:13}{profit:8.3f}{min(columns[0]):8.3f}{gain:8.3f}{spent:8.3f}"
                f"{max(columns[3]):11.6f}\n"
            )
            sys.stdout.flush()


if __name__ == "__main__":
    main()
