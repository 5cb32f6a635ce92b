"""A month of simulated shoppers: a steady one gives no alarm, a checkout that breaks is seen at once."""

from datetime import datetime

import orjson
import pytest

from flows.assembly import reader_of, stations_of
from flows.local.in_process import InProcessDataflow
from flows.settings import Settings, read_settings
from flows.stores.ledger import Ledgers
from flows.studies.backtest.compare import simulated_run, with_demo_offers
from flows.studies.backtest.shoppers import Shoppers, WorldLength
from operators.simulation import World, WorldSettings
from schemas.decisions import Drift, Outcome, read_decision_record
from schemas.message import Message

DAY_S = 86_400.0
START_S = 1_760_000_000.0
PART = "shoppers/0000"
BREAKS_S, MENDED_S = START_S + 15 * DAY_S, START_S + 18 * DAY_S
SEEN_WITHIN = 100


def month(seed, broken_s=None, days=30):
    """The outcomes and drifts of a shop with 100 carts a day and seasons; nobody reacts to offers."""
    settings = Settings()
    shop = settings.shop()
    world = World(
        seed,
        WorldSettings(
            offers=shop.arms("default"),
            starts_at_s=START_S,
            visits_per_hour=8.0,
            cart_share=0.6,
            checkout_broken_s=broken_s,
        ),
    )
    reader = reader_of(settings, shop, settings.format_of, None, ordered=True)(PART, None)
    dataflow = InProcessDataflow(stations_of(settings, shop, [PART], Ledgers().of, ordered=True))
    records, offset = [], 0
    for half_day in range(2 * days):
        events = world.events_until(START_S + (half_day + 1) * DAY_S / 2)
        messages = [Message(orjson.dumps(event), offset=offset + at) for at, event in enumerate(events)]
        offset += len(messages)
        records += dataflow.process(reader.read(messages, None))[0]
    records += dataflow.process(reader.end())[0]
    return [read_decision_record(each.value) for each in records if each.type in ("outcome", "drift")]


@pytest.mark.parametrize("seed", [1, 2])
def test_a_steady_month_gives_no_alarm(seed):
    records = month(seed)
    assert sum(isinstance(record, Outcome) for record in records) > 2_500
    assert [record for record in records if isinstance(record, Drift)] == []


def test_a_busy_day_that_begins_and_ends_is_no_drift_of_the_base_rate(tmp_path):
    settings = with_demo_offers(read_settings(seed=2))
    simulated_run(Shoppers(visits_per_hour=6_000), settings, WorldLength(decisions=600))(settings, tmp_path)
    outcomes = (tmp_path / "outcomes.jsonl").read_text()
    assert outcomes.count('"abandoned"') > 500
    assert outcomes.count('"purchased"') > 200
    assert "base_rate" not in (tmp_path / "drifts.jsonl").read_text()


def test_a_live_shop_reports_an_incident_at_once():
    settings = read_settings(session_gap="20m")
    live, replayed = (
        stations_of(settings, settings.shop(), [PART], Ledgers().of, ordered=ordered).markets.label_delay_s
        for ordered in (False, True)
    )
    assert (live, replayed) == (0.0, 1800.0)


@pytest.mark.parametrize("seed", [3, 4])
def test_a_broken_checkout_is_detected_within_a_hundred_carts(seed):
    records = month(seed, (BREAKS_S, MENDED_S), days=20)
    drifts = [record for record in records if isinstance(record, Drift)]
    assert [drift.what for drift in drifts] == ["base_rate", "base_rate"]
    seen, over = drifts
    closed = [each for each in records if isinstance(each, Outcome) and each.kind != "recovered"]
    carts = sum(BREAKS_S <= each.at.seconds <= seen.at.seconds for each in closed)
    assert carts <= SEEN_WITHIN
    assert seen.after > 0.95 > seen.before
    assert BREAKS_S + 3 * DAY_S < over.at.seconds < BREAKS_S + 4 * DAY_S
    assert over.after < seen.after
    assert seen.triggered == over.triggered == "report"


def test_while_the_checkout_is_broken_no_order_is_completed():
    shop = Settings().shop()
    world = World(
        5, WorldSettings(shop.arms("default"), START_S, checkout_broken_s=(START_S + 3600, START_S + 7200))
    )
    events = world.events_until(START_S + 4 * 3600)
    orders = [event["time"] for event in events if event["type"] == "order_completed"]
    since_s = [datetime.fromisoformat(time).timestamp() - START_S for time in orders]
    assert any(at_s < 3600 for at_s in since_s)
    assert any(at_s >= 7200 for at_s in since_s)
    assert not any(3600 <= at_s < 7200 for at_s in since_s)
