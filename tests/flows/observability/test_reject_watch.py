"""Topics of which too much is rejected: noticed, with the first reason and the likeliest format."""

import pytest
from msgspec.structs import replace

from flows.observability import reject_watch
from flows.observability.instrumentation import Instrumentation, InstrumentedReader
from flows.observability.metrics import Metrics
from flows.observability.reject_watch import RejectWatch
from tests.builders import MAX_EVENT_BYTES, looked, message, reader, segment_calls
from tests.flows.observability.fakes import Clock

BAD = b'{"type": "page_viewed", "visitor_id": 491701234567}'


@pytest.fixture
def clock():
    return Clock(1_000_000.0)


@pytest.fixture
def topic(clock):
    return Topic(clock)


class Topic:
    """A topic whose records a worker reads; what /healthz would say of it."""

    def __init__(self, clock, form="native"):
        self.metrics = Metrics(clock, clock)
        watch = RejectWatch(lambda _: form, MAX_EVENT_BYTES, clock)
        instrumentation = Instrumentation(self.metrics, clock, watch)
        self.reader = InstrumentedReader(reader(), instrumentation)
        self.offset = 0

    def reads(self, *values):
        messages = [replace(message({}, self.offset + n), value=value) for n, value in enumerate(values)]
        self.offset += len(values)
        self.reader.read(messages, None)
        return self.metrics.concerns.reasons()

    def takes(self, times):
        return self.reads(*(message(looked(self.offset + n), 0).value for n in range(times)))


def test_a_topic_of_which_nothing_is_taken_is_noticed_at_once_with_the_format_it_has(topic):
    (said,) = topic.reads(*segment_calls(27))
    assert said.startswith(
        "topic shop.events: nothing is taken, all 27 events read so far were rejected, first "
        "shop.events/0/0 (invalid: id is missing)"
    )
    assert said.endswith("; this looks like format segment: set formats=shop.events=segment")


def test_a_topic_that_holds_no_events_is_said_without_a_format(clock):
    (said,) = Topic(clock, form=None).reads(*segment_calls(27))
    assert said.endswith("(invalid: id is missing)")


def test_what_no_format_takes_is_said_without_one(topic):
    assert topic.reads(b"\x00", b"\x00") == []
    assert "".join(topic.reads(b"\x00")) == (
        "topic shop.events: nothing is taken, all 3 events read so far were rejected, first "
        "shop.events/0/0 (not_json: not JSON: expected value at line 1 column 1)"
    )


def test_it_is_over_with_the_first_event_that_is_taken(topic):
    assert topic.reads(BAD, BAD, BAD)
    assert topic.takes(1) == []


def test_a_few_rejects_among_many_are_single_bad_records(topic):
    topic.takes(reject_watch.MANY * 20)
    assert topic.reads(*[BAD] * reject_watch.MANY) == []


def test_a_share_of_rejects_is_noticed_and_forgotten_after_a_minute(topic, clock):
    topic.takes(100)
    assert topic.reads(*[BAD] * 9) == []
    (said,) = topic.reads(BAD)
    assert said.startswith("topic shop.events: 10 of 110 events of the last minute were rejected, first ")
    clock.now_s += reject_watch.WINDOW_S + reject_watch.STEP_S
    assert topic.metrics.concerns.reasons() == []
    assert topic.takes(1) == []


def test_rejects_add_up_over_batches_but_not_over_minutes(topic, clock):
    topic.takes(1)
    for _ in range(9):
        clock.now_s += 6.0
        assert topic.reads(BAD) == []
    clock.now_s += 1.0
    assert topic.reads(BAD)
    clock.now_s += 45.0
    assert topic.metrics.concerns.reasons() == []


def test_no_value_of_a_record_is_shown(topic):
    (said,) = topic.reads(BAD, BAD, BAD)
    assert "4917" not in said


def test_it_is_logged_once_and_again_while_it_lasts_and_when_it_is_over(topic, clock, caplog):
    caplog.set_level("INFO", logger="offerstream")
    for _ in range(20):
        topic.reads(BAD, BAD, BAD)
        clock.now_s += 20.0
    assert [each.levelname for each in caplog.records] == ["WARNING", "WARNING"]
    assert caplog.messages[0].startswith("degraded: topic shop.events: nothing is taken, all 3 events")
    assert "all 48 events" in caplog.messages[1]
    caplog.clear()
    topic.takes(2000)
    clock.now_s += 2.0
    topic.takes(1)
    assert caplog.messages == ["no longer degraded: rejects, shop.events"]


def test_a_topic_has_a_reason_of_its_own_and_a_metric(topic):
    value = topic.metrics.registry.prometheus.get_sample_value
    assert value("offerstream_degraded", {"reason": "rejects"}) == 0
    topic.reads(BAD, BAD, BAD)
    assert value("offerstream_degraded", {"reason": "rejects"}) == 1
    assert value("offerstream_degraded", {"reason": "orders"}) == 0
