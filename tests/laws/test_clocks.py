"""Law 13: one clock moves only its own events."""

import random
from datetime import datetime, timedelta

import orjson
import pytest
from msgspec.structs import replace

from flows.assembly import stations_of
from flows.local.in_process import InProcessDataflow
from flows.stores.ledger import Ledgers
from schemas.message import Message
from tests.laws.shopping import SHOP, account, log, messages, readers, records_in, settings

VISITORS_OF_A_PARTITION = 130
DAY_S = 86_400.0
CHOSEN = settings(policy="none", idle_time="events")  # what is decided does not depend on what was learned


def arrivals(seed, partitions, wrong):
    """Partitions of messages in the order in which things happened, and whose clocks are wrong.

    The clocks of one person are wrong on all devices: what the person did there counts everywhere.
    """
    rng = random.Random(seed)
    visitors = VISITORS_OF_A_PARTITION * partitions
    names = [f"v{number}" for number in range(visitors)]
    persons = {name: account(name) or name for name in names}
    off = {person for person in dict.fromkeys(persons.values()) if rng.random() < wrong}
    off_s = {
        name: rng.choice([rng.uniform(-DAY_S, DAY_S), 240.0, DAY_S, -DAY_S])
        for name in names
        if persons[name] in off
    }
    out = {}
    for name, lane in messages(log(seed, visitors), partitions).items():
        out[name] = [claimed(message, off_s) for message in lane]
    return out, set(off_s)


def claimed(message, off_s):
    event = orjson.loads(message.value)
    at = datetime.fromisoformat(event["time"])
    moved = at + timedelta(seconds=off_s.get(event["visitor_id"], 0.0))
    value = orjson.dumps(event | {"time": moved.isoformat()})
    return replace(message, value=value, timestamp_s=at.timestamp())


def without(lanes, visitors):
    """The partitions without these visitors, numbered anew."""
    kept = {
        name: [one for one in lane if orjson.loads(one.value)["visitor_id"] not in visitors]
        for name, lane in lanes.items()
    }
    return {
        name: [replace(one, offset=offset) for offset, one in enumerate(lane)] for name, lane in kept.items()
    }


def without_accounts(lanes):
    """The partitions without accounts, so that nobody is in two of them."""
    return {name: [replace(one, value=anonymous(one.value)) for one in lane] for name, lane in lanes.items()}


def anonymous(value):
    return orjson.dumps({name: what for name, what in orjson.loads(value).items() if name != "user_id"})


def followed(lanes: dict[str, list[Message]], *, ordered: bool, timestamps: bool):
    """Moments and outcomes by visitor, in ordered mode decisions too, and how many events were late.

    In immediate mode a decision knows the purchases that are read before it, and that depends on batches.
    """
    dataflow = InProcessDataflow(stations_of(CHOSEN, SHOP, lanes, Ledgers().of, ordered=ordered))
    make = readers(CHOSEN, ordered=ordered)
    open_readers = {name: make(name, None) for name in lanes}
    records = []
    for start in range(0, max(map(len, lanes.values())), 50):
        for name, reader in open_readers.items():
            batch = lanes[name][start : start + 50]
            batch = batch if timestamps else [replace(one, timestamp_s=None) for one in batch]
            records += dataflow.process(reader.read(batch, None))[0]
    for reader in open_readers.values():
        records += dataflow.process(reader.end())[0]
    found = {}
    for each in records_in(records, "score", "outcome", *(["decision"] * ordered)):
        what = (each["type"], each["at"], each["moment_id"], each["cart_id"], each.get("kind"))
        found.setdefault(each["visitor_id"], set()).add(what)
    return found, sum(reader.counts.late for reader in open_readers.values())


@pytest.mark.parametrize("timestamps", [False, True], ids=["file", "Kafka"])
@pytest.mark.parametrize("ordered", [False, True], ids=["immediate", "ordered"])
@pytest.mark.parametrize(("partitions", "seed"), [(1, 1), (1, 2), (1, 3), (8, 4)])
def test_a_fifth_of_wrong_clocks_changes_nothing_for_the_others(partitions, seed, ordered, timestamps):
    lanes, wrong = arrivals(seed, partitions, wrong=0.2)
    if not ordered and partitions > 1:
        lanes = without_accounts(lanes)  # the order between partitions is not defined
    everybody, _ = followed(lanes, ordered=ordered, timestamps=timestamps)
    alone, late = followed(without(lanes, wrong), ordered=ordered, timestamps=timestamps)
    assert late == 0
    assert {visitor: what for visitor, what in everybody.items() if visitor not in wrong} == alone
    assert len(alone) > 20 * partitions
    assert len(wrong) > 10 * partitions


def test_what_wrong_clocks_claim_is_placed_and_not_lost():
    lanes, wrong = arrivals(5, 1, wrong=0.2)
    everybody, late = followed(lanes, ordered=False, timestamps=True)
    assert late > 0
    carts = {
        event["visitor_id"]
        for lane in lanes.values()
        for event in (orjson.loads(one.value) for one in lane)
        if event["type"] == "cart_item_added"
    }
    assert len(everybody.keys() & wrong & carts) > 0.9 * len(wrong & carts)
