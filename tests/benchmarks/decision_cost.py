"""What a decision costs with the default rules and with all of them, beside another version of this project.

python -m tests.benchmarks.decision_cost --before ../before

A decision is one call of ``process_moment`` that chooses between six offers for a cart of three lines, with
the ledger on disk; a third of the persons have earlier decisions, and consent is known of everybody. Processor
time, in blocks that the versions take in turns, each in a process of its own: a ratio is that of neighbouring
blocks, the median over all. ``--before`` is a working copy of another version, such as the one before rules.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import msgspec

from flows.assembly import decision_settings
from flows.settings import read_settings
from flows.stores.ledger import RocksLedger
from flows.worker.gc_tuning import tune_gc
from operators.decisions import decision_machine
from operators.decisions.decision_machine import DecisionMachine, MarketConfig
from operators.decisions.selection import Prediction
from operators.streaming import messages
from operators.streaming.messages import Line, Moment, Order
from schemas.shop import Shop

DAY_S = 86_400.0
START_S = 1_772_449_200.0  # a Monday at noon in Berlin
SKUS = 100_000
TAUGHT = 2000
"""So many decisions come first: they teach the policy, and every third person of a block has one of them."""

TIMES = {"expires_after": "30m", "reward_window": "12h"}
OFFERS: list[dict[str, Any]] = [
    {"name": "ten_percent", "kind": "percent_off", "value": 10, "channel": "on_site"},
    {"name": "pay_in_three", "kind": "pay_later", "value": 3.5, "channel": "on_site"},
    {"name": "double_points", "kind": "points", "value": 3, "channel": "app"},
    {"name": "hundred_points", "kind": "points", "value": 1, "channel": "on_site"},
    {"name": "mailed_points", "kind": "points", "value": 2, "channel": "email"},
    {"name": "cart_reminder", "kind": "reminder", "channel": "email"},
]
MARKET = {"currency": "EUR", "margin_rate": 0.35, "timezone": "Europe/Berlin", "holdout": 0.05}

ALSO: dict[str, dict[str, Any]] = {
    "ten_percent": {
        "max_discount": 20,
        "starts": "2026-01-01",
        "ends": "2027-12-31",
        "audience": {"when": "cart.value > 20 && session.minutes < 600.0"},
    },
    "pay_in_three": {"max_discount": 20, "audience": {"when": "visitor.visits < 100 || segment == 'vip'"}},
    "double_points": {"weekdays": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "starts": "2026-01-01"},
    "hundred_points": {"skus": ["sku-1", "sku-2"]},
    "mailed_points": {
        "audience": {"when": "cart.lines >= 2 && !('sku-0' in cart.skus)", "without_categories": ["toys"]}
    },
}
RULES: dict[str, Any] = {
    "audience": {"max_cart_value": 100_000},
    "margin": {"floor": 0.05},
    "quiet_hours": {"email": {"start": "21:00", "end": "07:00"}, "app": {"start": "22:00", "end": "06:00"}},
    "first_touch": "no_discount",
}
CAPS: dict[str, Any] = {
    "a_week": {"at_most": 50, "by": "week"},
    "discounts": {"at_most": 20, "by": "day", "offers": ["ten_percent", "pay_in_three"]},
    "in_total": {"per": "market", "at_most": 1_000_000, "by": "day"},
}
BUDGETS: dict[str, Any] = {
    "daily": {"amount": 8e3, "by": "day"},
    "campaign": {
        "amount": 1e7,
        "by": "campaign",
        "starts": "2026-02-01",
        "ends": "2027-06-30",
        "offers": ["ten_percent", "pay_in_three", "double_points"],
    },
}
ROLLOUT = {"stage": "canary", "share": 0.95, "rule": "always:hundred_points"}


def shop(*, every_rule: bool) -> Shop:
    """Return a shop with the default rules, or with all there are; they leave most offers as they are."""
    offers = [given | TIMES for given in OFFERS]
    if not every_rule:
        return Shop.model_validate({"markets": {"default": MARKET}, "offers": offers})
    given = {
        "markets": {"default": MARKET | {"rollout": ROLLOUT, "disclosure": "Chosen for you."}},
        "offers": [given | ALSO.get(given["name"], {}) for given in offers],
        "rules": RULES,
        "caps": CAPS,
        "budgets": BUDGETS,
    }
    return Shop.model_validate(given)


def moment(person: int, at_s: float, rng: random.Random) -> Moment:
    """Return the moment of a person with a cart; every fifth is known as a user."""
    lines = tuple(
        Line(f"sku-{int(SKUS ** rng.random()) + 2}", rng.randint(1, 3), round(rng.uniform(15, 60), 2))
        for _ in range(3)
    )
    prices = [line.price or 0.0 for line in lines]
    value = sum((line.price or 0.0) * line.quantity for line in lines)
    pieces = sum(line.quantity for line in lines)
    features: dict[str, float | str] = {
        "moment": "cart_idle",
        "events": rng.randint(5, 60),
        "page_views": rng.randint(1, 30),
        "product_views": rng.randint(1, 20),
        "searches": rng.randint(0, 5),
        "distinct_products": rng.randint(1, 12),
        "distinct_categories": rng.randint(1, 5),
        "category_focus": rng.random(),
        "cart_adds": 3 + rng.randint(0, 2),
        "cart_removes": rng.randint(0, 2),
        "cart_churn": rng.random(),
        "session_seconds": rng.uniform(60, 3000),
        "seconds_since_last_event": 600.0,
        "events_per_minute": rng.uniform(0.5, 5),
        "checkout_started": float(rng.random() < 0.2),
        "visits_before": rng.randint(0, 5),
        "known_user": float(person % 5 == 0),
        "hour_sin": rng.uniform(-1, 1),
        "hour_cos": rng.uniform(-1, 1),
        "weekend": float(rng.random() < 0.3),
        "device": rng.choice(("mobile", "desktop", "tablet")),
        "source": rng.choice(("search", "ads", "direct")),
        "cart_value": value,
        "cart_items": pieces,
        "cart_lines": 3,
        "max_item_price": max(prices),
        "mean_item_price": sum(prices) / 3,
        "value_vs_peak": rng.uniform(0.5, 1),
        "cart_price_position": rng.uniform(0.5, 1.5),
        "seconds_since_cart_change": rng.uniform(600, 2000),
        "seconds_since_first_cart": rng.uniform(2000, 4000),
    }
    return Moment(
        at_s=at_s,
        visitor=f"visitor-{person:08d}-5f0c",
        id=f"moment-{person}-{at_s:.2f}",
        market="default",
        kind="cart_idle",
        cart=f"cart-{person}-{at_s:.2f}",
        cart_value=value,
        lines=lines,
        features=features,
        user=f"user-{person}" if person % 5 == 0 else None,
        session=f"session-{person}-{at_s:.2f}",
        read_s=at_s + 0.05,
        sent_s=at_s + 0.01,
    )


class Load:
    """A market with a past: its moments come in blocks, one a day at noon."""

    def __init__(self, directory: Path, *, every_rule: bool) -> None:
        settings = decision_settings(read_settings(state=directory), 0.0)
        self.machine = DecisionMachine(_config(directory, every_rule=every_rule), settings)
        self._rng = random.Random(1)
        self._persons, self._known = TAUGHT, 0
        self._at_s = START_S
        self.figures = {"arms": 0, "offers": 0, "bytes": 0, "count": 0}
        if every_rule:
            controls = messages.ControlsChange(
                at_s=START_S - 30 * DAY_S, id="controls/1", market="default", version=1, settings=()
            )
            self.machine.process_controls(controls)
        for person in range(TAUGHT):
            past = moment(person, START_S - 10 * DAY_S + person, self._rng)
            self._know_consent(past)
            self.machine.process_moment(past, PREDICTION)
            if self._rng.random() < 0.4:
                self.machine.process_order(_ordered(past))
        self._end_day()

    def _end_day(self) -> float:
        self._at_s += DAY_S
        began_s = time.thread_time()
        self.machine.advance(self._at_s - DAY_S / 4)
        self.machine.forget(self._at_s - DAY_S / 4)
        return time.thread_time() - began_s

    def _know_consent(self, of: Moment) -> None:
        if hasattr(messages, "ConsentKnown"):
            event = messages.ConsentKnown(
                at_s=of.at_s - 1,
                visitor=of.visitor,
                id=f"consent-{of.id}",
                market=of.market,
                consent={"email": True, "app": True},
                source="event",
            )
            self.machine.know_person(event)

    def block(self, size: int) -> dict[str, float]:
        """Return the microseconds of a decision: of the thread that decides, and of the whole process."""
        persons = [(self._known + at) % TAUGHT for at in range(size // 3)]
        persons += range(self._persons, self._persons + size - len(persons))
        self._known, self._persons = self._known + size // 3, self._persons + size
        self._rng.shuffle(persons)
        given = [moment(person, self._at_s + at / 20, self._rng) for at, person in enumerate(persons)]
        for each in given:
            self._know_consent(each)
        process = self.machine.process_moment
        began_s, began_all_s = time.thread_time(), time.process_time()
        found = [process(each, PREDICTION) for each in given]
        spent_s, spent_all_s = time.thread_time() - began_s, time.process_time() - began_all_s
        for records in found:
            decision = msgspec.json.decode(records[0].value)
            self.figures["count"] += 1
            self.figures["arms"] += len(decision["eligible"])
            self.figures["offers"] += decision["expires_at"] is not None
        whole_s = spent_s + self._end_day()
        return {
            "thread": spent_s / size * 1e6,
            "process": spent_all_s / size * 1e6,
            "whole": whole_s / size * 1e6,
        }


PREDICTION = Prediction(0.4, "logistic", 100)


def _config(directory: Path, *, every_rule: bool) -> MarketConfig:
    ledger = RocksLedger(directory / "ledger")
    if hasattr(decision_machine, "build_rules") and "market" in MarketConfig._fields:
        return MarketConfig(shop(every_rule=False).markets["default"], shop(every_rule=False).offers, ledger)
    if not every_rule:
        return MarketConfig(shop(every_rule=False), "default", ledger)
    from flows.stores.catalog import RocksCatalog

    catalog = RocksCatalog(directory / "catalog")
    for number in range(SKUS):
        product = messages.Product(
            price=30.0,
            unit_cost=12.0,
            stock=12,
            title="A product of this shop",
            url="https://shop.example/products/0000000",
            image="https://shop.example/images/0000000.jpg",
            category="shoes",
        )
        catalog.put(f"sku-{number}", START_S - 20 * DAY_S, product)
    return MarketConfig(shop(every_rule=True), "default", ledger, catalog)


def _ordered(of: Moment) -> Order:
    return Order(
        at_s=of.at_s + 60,
        visitor=of.visitor,
        id=f"order-of-{of.id}",
        market=of.market,
        position=of.id,
        order=f"order-{of.id}",
        lines=of.lines,
        names=messages.cart_names(of.cart),
    )


def child(size: int, *, every_rule: bool) -> None:
    """Answer each line of standard input with the cost of one more block."""
    with tempfile.TemporaryDirectory() as directory:
        load = Load(Path(directory), every_rule=every_rule)
        tune_gc()
        if os.environ.get("PROFILE"):
            import cProfile
            import pstats

            profile = cProfile.Profile()
            load.block(size)
            profile.enable()
            for _ in range(5):
                load.block(size)
            profile.disable()
            pstats.Stats(profile).sort_stats(os.environ["PROFILE"]).print_stats(70)
            return
        for _ in sys.stdin:
            sys.stdout.write(json.dumps(load.block(size)) + "\n")
            sys.stdout.flush()
        figures = load.figures
        sys.stderr.write(json.dumps({k: v / figures["count"] for k, v in figures.items()}) + "\n")


class Version:
    """A version of the project in a process of its own."""

    def __init__(self, root: Path, rules: str, size: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, "--child", rules, "--size", str(size)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(root)},
        )

    def block(self) -> dict[str, float]:
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--before", type=Path)
    parser.add_argument("--blocks", type=int, default=30)
    parser.add_argument("--size", type=int, default=300)
    parser.add_argument("--child", choices=("default", "all"))
    args = parser.parse_args()
    if args.child:
        child(args.size, every_rule=args.child == "all")
        return
    here = Path(__file__).parents[2]
    wanted = {"before": (args.before, "default")} if args.before else {}
    wanted |= {"default rules": (here, "default"), "all rules": (here, "all")}
    versions = {name: Version(root, rules, args.size) for name, (root, rules) in wanted.items()}
    for version in versions.values():
        version.block()
    blocks = [{name: version.block() for name, version in versions.items()} for _ in range(args.blocks)]
    for version in versions.values():
        version.close()
    first = next(iter(versions))
    for what in ("thread", "process", "whole"):
        for name in versions:
            us = [each[name][what] for each in blocks]
            ratio = statistics.median(each[name][what] / each[first][what] for each in blocks)
            print(
                f"{what:8} {name:14} median {statistics.median(us):6.1f} min {min(us):6.1f} us  ratio {ratio:.2f}  min-ratio {min(us) / min(e[first][what] for e in blocks):.2f}"
            )


if __name__ == "__main__":
    main()
