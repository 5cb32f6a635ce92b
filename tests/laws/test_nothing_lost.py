"""Law 4 at a short distance: what is read is processed, duplicate or rejected, batch after batch."""

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.streaming.messages import OutputRecord, ShardBatch
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
values = st.one_of(visited.map(orjson.dumps), ordered.map(orjson.dumps), wrong)


@settings(max_examples=60, deadline=None)
@given(batches=st.lists(st.lists(values, max_size=12), max_size=5))
def test_what_is_read_is_accounted_for_at_every_snapshot(batches):
    make = readers(chosen(), ordered=False)
    reader = make("log/0", None)
    offset = passed = rejected = 0
    for batch in batches:
        lane = [Message(value, topic="log", partition=0, offset=offset + n) for n, value in enumerate(batch)]
        offset += len(batch)
        for said in reader.read(lane, None):
            rejected += isinstance(said, OutputRecord)
            passed += len(said.events) if isinstance(said, ShardBatch) else 0
        counts = reader.counts
        assert counts.read == offset
        assert counts.read == counts.processed + counts.duplicate + counts.rejected
        assert passed == counts.processed
        assert rejected == counts.rejected
        resumed = make("log/0", reader.snapshot())
        assert resumed.counts == counts
