"""What the demo sums up of its topics."""

from pathlib import Path

import orjson
import pytest

from flows.demo.settings import DemoSettings
from flows.demo.snapshot import ArmFigures, Snapshot
from flows.demo.topic_sums import RECENT_OFFERS, TopicSums
from schemas.errors import SetupError
from schemas.message import Message

GOLDEN = Path(__file__).parents[2] / "schemas" / "golden" / "offers.jsonl"
OFFER = GOLDEN.read_text().splitlines()[0]


def decision(arm):
    return {"type": "decision", "arm": arm}


def reward(arm, profit, visitor="ann", kind="window", *, holdout=False):
    return {"type": "reward", "arm": arm, "profit": profit, "kind": kind, "visitor_id": visitor,
            "holdout": holdout}  # fmt: skip


def offer(number):
    """The offer of the golden records, at another time for another visitor."""
    record = orjson.loads(OFFER)
    data = record["data"] | {"at": f"2026-01-01T10:00:{number:02d}.000Z", "visitor_id": f"v{number}"}
    return record | {"data": data}


def message(record):
    return Message(orjson.dumps(record), headers=(("ce_type", record["type"].encode()),))


def sums_of(*records):
    sums = TopicSums()
    for record in records:
        sums.add(message(record))
    return sums


def test_arms_have_their_decisions_their_mean_reward_and_their_true_value():
    sums = sums_of(decision("ten"), decision("ten"), decision("none"), reward("ten", 8.0), reward("ten", 2.0))
    filled = sums.fill(Snapshot(), {"ten": 4.5})
    assert filled.arms == {"ten": ArmFigures(2, 5.0, 4.5), "none": ArmFigures(1, None, None)}
    assert (filled.decisions, filled.reward) == (3, 5.0)


def test_a_correction_changes_profit_and_no_count():
    sums = sums_of(reward("ten", 8.0), reward("ten", -2.0, kind="correction"))
    assert sums.fill(Snapshot(), {}).reward == 6.0


def test_profit_per_visitor_counts_each_visitor_of_a_group_once():
    rewards = [reward("ten", 6.0), reward("ten", 2.0), reward("none", 3.0, "bob", holdout=True)]
    filled = sums_of(*rewards).fill(Snapshot(), {})
    assert (filled.profit_treated, filled.profit_holdout) == (8.0, 3.0)


def test_a_point_of_the_curve_is_the_mean_reward_since_the_last_one():
    sums = sums_of(reward("ten", 6.0), reward("ten", 2.0))
    sums.add_curve_point()
    sums.add_curve_point()
    sums.add(message(reward("ten", 1.0)))
    sums.add_curve_point()
    assert sums.fill(Snapshot(), {}).curve == (4.0, 1.0)


def test_the_latest_offers_are_kept_as_text_newest_first():
    recent = sums_of(*map(offer, range(RECENT_OFFERS + 3))).fill(Snapshot(), {}).recent
    assert len(recent) == RECENT_OFFERS
    assert recent[0] == (
        "10:00:08 v8: ten_percent by email, cart 19.00 GBP, abandonment 0.71, propensity 0.34"
    )


def test_other_records_change_nothing():
    empty = TopicSums().fill(Snapshot(), {})
    assert sums_of({"type": "score"}, {"type": "offer.revoked", "data": {}}).fill(Snapshot(), {}) == empty


@pytest.mark.parametrize("seconds", [-1.0, float("nan")])
def test_a_demo_of_no_length_is_refused(seconds):
    with pytest.raises(SetupError, match="seconds must be a number from 0; got "):
        DemoSettings(seconds)
