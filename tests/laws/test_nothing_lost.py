"""Law 4 at a short distance: every record and every event in it is accounted for, batch after batch."""

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.streaming.messages import OutputRecord
from schemas.message import Message
from tests.laws.shopping import START_S, readers, stamp
from tests.laws.shopping import settings as chosen

ids = st.integers(0, 12)
times = st.floats(0, 60).map(lambda at_s: stamp(START_S + at_s))
visited = st.builds(
    lambda n, at: {"type": "page_viewed", "id": f"v{n}", "time": at, "visitor_id": "a"}, ids, times
)
item = {"sku": "s", "price": 5.0}
ordered = st.builds(
    lambda n, at: {"type": "order_completed", "id": f"o{n}", "time": at, "visitor_id": "b", "order_id": "o",
                   "items": [item]},
    ids, times,
)  # fmt: skip
wrong = st.sampled_from(
    [None, b"", b"{", b"\xff", b"[]", b"null", b'{"type":"page_viewed"}', b'{"type":"odd"}']
)
till = ordered.map(lambda order: order | {"origin": "point_of_sale"})
single = st.one_of(visited, ordered, till)
several = st.lists(st.one_of(single, st.none(), st.just({"type": "page_viewed"})), max_size=4)
values = st.one_of(single.map(orjson.dumps), several.map(orjson.dumps), wrong)


def events_in(value):
    """What a record holds; one that cannot be read, or is an empty batch, counts as one."""
    found = value and value.startswith(b"[") and orjson.loads(value)
    return len(found) if found else 1


@settings(max_examples=60, deadline=None)
@given(batches=st.lists(st.lists(values, max_size=12), max_size=5))
def test_what_is_read_is_accounted_for_at_every_snapshot(batches):
    make = readers(chosen(), ordered=False)
    reader = make("log/0", None)
    offset = passed = rejected = events = 0
    rejected_places: set[str] = set()
    for batch in batches:
        lane = [Message(value, topic="log", partition=0, offset=offset + n) for n, value in enumerate(batch)]
        offset += len(batch)
        events += sum(map(events_in, batch))
        places = set()
        for said in reader.read(lane, None):
            if isinstance(said, OutputRecord):
                rejected += 1
                places.add(said.id)
            else:
                passed += len({event.id for event in said.events})
        counts = reader.counts
        assert counts.read == offset == counts.taken + counts.records_rejected
        assert counts.events == events == counts.processed + counts.duplicate + counts.rejected
        assert passed + counts.ignored == counts.processed
        assert rejected == counts.rejected
        assert places.isdisjoint(rejected_places)
        rejected_places |= places
        resumed = make("log/0", reader.snapshot())
        assert resumed.counts == counts
