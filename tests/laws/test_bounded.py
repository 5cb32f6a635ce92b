"""Law 6: state is bounded. Under a steady load everything that is kept stops growing."""

import random
import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest
from bytewax.recovery import RecoveryConfig, init_db_dir
from bytewax.testing import run_main
from msgspec.structs import replace

from flows.assembly import stations_of
from flows.local.in_process import InProcessDataflow
from flows.stores.ledger import Ledgers
from operators.abandonment.rolling_metrics import RollingMetrics
from operators.bandits.recent_rewards import RecentRewards
from operators.decisions.rules.market_caps import MarketCaps
from operators.experiments.assignment import Assignments
from operators.sessions import known_orders, returning_visitors
from operators.streaming.ids import SHARDS
from tests.laws.shopping import SHOP, START_S, dataflow_of, log, messages, readers, settings

HOUR_S, DAY_S = 3600.0, 86_400.0
DAYS = 9
PART = "log/0000"


def day(number):
    """Other visitors every day, each from a source that nobody else comes from."""
    rng = random.Random(number)
    events = log(seed=number, visitors=150, start_s=START_S + number * DAY_S, minutes=24 * 60)
    for event in events:
        event["visitor_id"] = f"{event['visitor_id']} of day {number}"
        event["id"] = f"{event['id']} of day {number}"
        event["source"] = f"campaign {rng.random()}"
    return events


def _windows(machine):
    """In how many hours, days and weeks offers are counted."""
    (caps,) = (rule for rule in machine._rules.rules if isinstance(rule, MarketCaps))
    return sum(map(len, caps._counts.values()))


def sizes(page, ledgers, reader):
    """How much is kept, by what it is."""
    shards, markets = page.shards.values(), page.markets.values()
    of_visits = [shard._sessions for shard in shards]
    decisions = [market.decisions for market in markets]
    seen = reader._seen
    return {
        "live visits": sum(len(one.visits) for one in of_visits),
        "visit timers": sum(len(one.timers._heap) for one in of_visits),
        "abandoned carts": sum(len(one._abandoned) for one in of_visits),
        "returning visitors": sum(len(one._returning.counts) for one in of_visits),
        "shard snapshots": sum(len(shard.snapshot()) for shard in shards),
        "market snapshots": sum(len(market.snapshot()) for market in markets),
        "abandonment models": sum(len(market.abandonment.dumps()) for market in markets),
        "policies": sum(len(one.policy.dumps()) for one in decisions),
        "open decisions": sum(len(one._open) for one in decisions),
        "decision timers": sum(len(one._open._timers._heap) for one in decisions),
        "windows of caps": sum(_windows(one) for one in decisions),
        "cart treatments": sum(len(one._carts) for one in decisions),
        "ledger entries": sum(len(ledgers.of(name)._rows) for name in SHOP.markets),
        "ledger names": sum(len(ledgers.of(name)._named) for name in SHOP.markets),
        "cart names": sum(len(one._index) + len(one._abandoned._index) for one in of_visits),
        "known orders": sum(len(one._orders.orders) + len(one._orders.bought) for one in of_visits),
        "bought carts": sum(len(one._orders.bought) for one in decisions),
        "assignments": sum(len(ledgers.of(name)._identities) for name in SHOP.markets),
        "seen ids": len(seen._newer) + len(seen._older),
        "reader": len(reader.snapshot()),
    }


@pytest.fixture(scope="module")
def greatest():
    """The greatest size of everything in each third of many days of a steady load.

    What is bounded by a number that days would not reach gets a small one here.
    """
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(returning_visitors, "RETURNING", 2)
        patched.setattr(known_orders, "ORDERS", 2)
        patched.setitem(Assignments.__init__.__kwdefaults__, "memory_s", DAY_S)
        chosen = settings(cart_recovery="1h", correction="2h")
        ledgers = Ledgers()
        page = InProcessDataflow(stations_of(chosen, SHOP, [PART], ledgers.of, ordered=False))
        for name in SHOP.markets:
            policy = page.market(name).decisions.policy
            policy.max_columns = policy._regressions.encoder.columns.max_columns = 40
            policy._recent = RecentRewards(50)
            page.market(name).decisions.statistics.diagnosis.balance.size = 20
            model = page.market(name).abandonment
            model.untreated, model.treated = RollingMetrics(50), RollingMetrics(50)
            model.classifier.classifier.encoder.limit = 60
            model.drift_monitor.encoder.limit = 60
        reader = readers(chosen, ordered=False)(PART, None)
        thirds = []
        offset = 0
        for number in range(DAYS):
            if number % (DAYS // 3) == 0:
                thirds.append({})
            lane = messages(day(number))[PART]
            for start in range(0, len(lane), 50):
                batch = [replace(each, offset=offset + n) for n, each in enumerate(lane[start : start + 50])]
                offset += len(batch)
                page.process(reader.read(batch, None))
                if start % 150 == 0:
                    found = sizes(page, ledgers, reader)
                    thirds[-1] = {name: max(size, thirds[-1].get(name, 0)) for name, size in found.items()}
        assert reader.counts.processed > 0.9 * reader.counts.read
        return thirds


def test_everything_kept_stops_growing_under_a_steady_load(greatest):
    _, before, after = greatest
    assert {name: size for name, size in before.items() if not size} == {}
    grown = {name: (before[name], after[name]) for name in after if after[name] > 1.2 * before[name] + 4}
    assert grown == {}


def rows_of(directory):
    """The rows of the recovery store, of which a restart reads each."""
    rows = 0
    for path in directory.glob("part-*.sqlite3"):
        with closing(sqlite3.connect(path)) as database:
            rows += database.execute("select count(*) from snaps").fetchone()[0]
    return rows


def test_a_restart_reads_as_many_rows_however_many_visitors_there_were(tmp_path):
    init_db_dir(tmp_path, 2)
    recovery = RecoveryConfig(tmp_path, timedelta(0))
    events = [event for number in range(3) for event in log(number, 60, START_S + number * DAY_S)]
    for number, event in enumerate(events):
        event["visitor_id"] += f" {number // 400}"
        event["id"] = f"{number}"
    rows = []
    for share in (2, 1):
        flow, _ = dataflow_of(messages(events[: len(events) // share]), batch=100)
        run_main(flow, epoch_interval=timedelta(0), recovery_config=recovery)
        rows.append(rows_of(tmp_path))
    stations = SHARDS + len(SHOP.markets)
    assert rows[0] >= stations
    assert max(rows) <= 2 * stations
    assert rows[1] <= rows[0] + 8
