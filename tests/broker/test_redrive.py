"""Rejected records go back to where they came from, each once, whatever happens in between."""

import os
import re
import signal
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from confluent_kafka.cimpl import NewTopic

from flows.kafka import topics
from flows.kafka.bounded_read import read_history
from flows.kafka.cluster import Cluster
from flows.kafka.producer import RecordProducer
from flows.kafka.writer import RecordWriter
from flows.studies import redrive as module
from flows.studies.redrive import Asked, Result, Skipped, redrive
from operators.ingest.rejected_output import rejected_output
from schemas.adapters.batches import parts_of
from schemas.errors import BrokerError, SetupError
from schemas.message import Message
from schemas.redriven import Redriven, is_note, read_note
from schemas.rejected import REJECT_CLASSES, InvalidEvent, reject
from tests import warm_start
from tests.broker.driving import produce, read_all, until
from tests.brokers import administer

pytestmark = pytest.mark.broker

OWN_HEADERS = (("ce_id", b"x-1"), ("class", b"gold"), ("class", None), ("traceparent", b"\xff"))
UNKNOWN_MARKET = Asked(frozenset({"unknown_market"}))


class Shop:
    """A topic of events, the topic of what was rejected of it, and a worker's producer."""

    def __init__(self, cluster, make_topic):
        self.cluster = cluster
        self.events = make_topic(2, "events")
        self.topic = make_topic(2, "rejected")
        self._offset = 0
        self._producer = RecordProducer(cluster)

    def reject(self, *values, class_="unknown_market", key=b"v1", headers=OWN_HEADERS, **more):
        """Write these messages to the rejected topic, as the worker does."""
        for value in values:
            self._offset += 1
            place = (more.get("events", self.events), more.get("partition", 1), self._offset)
            message = Message(value, key, headers, *place, 1.7e9, "CreateTime")
            self.send(reject(message, InvalidEvent(class_, "why"), more.get("keep_bytes", 900_000)))
        self._producer.flush()

    def send(self, record):
        """Write a rejected record to the topic."""
        self._producer.send(rejected_output(record), self.topic, self._offset % 2, lambda _: None)

    def redrive(self, asked=UNKNOWN_MARKET):
        return redrive(self.cluster, self.topic, asked)

    def written(self):
        """What was written back: partition, key, value, headers."""
        records = read_all(self.cluster, self.events)
        return [(one.partition(), one.key(), one.value(), tuple(one.headers() or ())) for one in records]

    def values(self):
        return sorted(value for _, _, value, _ in self.written())

    def noted(self):
        """The ids in the notes of what was written back."""
        records = [one for batch in read_history(self.cluster, self.topic) for one in batch]
        notes = [read_note(one.value) for one in records if is_note(one)]
        return sorted(id_ for note in notes if isinstance(note, Redriven) for id_ in note.ids)


def many(number):
    return [b"%04d" % each for each in range(number)]


@pytest.fixture
def shop(cluster, make_topic):
    return Shop(cluster, make_topic)


def test_of_a_record_with_several_events_only_the_rejected_ones_go_back(shop):
    whole = Message(b"[1, 2, 3]", b"v1", OWN_HEADERS, shop.events, 1, 7, 1.7e9, "CreateTime")
    for part in parts_of(whole, [{"id": "a"}, {"n": 2}], "id"):
        shop.send(reject(part, InvalidEvent("unknown_market", "why")))
    shop.reject()
    assert shop.redrive().results == {("unknown_market", Result.REDRIVEN): 2}
    named = f'{{"n":2,"id":"{shop.events}/1/7/1"}}'.encode()
    assert sorted(shop.written()) == [(1, b"v1", value, OWN_HEADERS) for value in (b'{"id":"a"}', named)]
    assert shop.noted() == [f"{shop.events}/1/7/{number}" for number in range(2)]
    assert shop.redrive().results == {("unknown_market", Result.BEFORE): 2}


def test_a_record_goes_back_with_its_key_its_own_headers_and_its_bytes(shop):
    given = list(product([None, b"", b"v1", b"\x07\xff"], [None, b"", b"oops"]))
    for key, value in given:
        shop.reject(value, key=key)
    counts = shop.redrive()
    assert counts.results == {("unknown_market", Result.REDRIVEN): len(given)}
    written = shop.written()
    assert sorted(written, key=repr) == sorted(
        ((1, key, value, OWN_HEADERS) for key, value in given), key=repr
    )


def test_however_often_it_runs_each_record_goes_back_once(shop):
    shop.reject(*many(450))
    assert shop.redrive().results == {("unknown_market", Result.REDRIVEN): 450}
    shop.reject(b"new")
    assert shop.redrive().results == {
        ("unknown_market", Result.REDRIVEN): 1,
        ("unknown_market", Result.BEFORE): 450,
    }
    assert shop.redrive().results == {("unknown_market", Result.BEFORE): 451}
    assert shop.values() == sorted([*many(450), b"new"])
    assert shop.noted() == sorted(f"{shop.events}/1/{number}" for number in range(1, 452))


def test_a_message_that_was_rejected_twice_goes_back_once(shop):
    shop.reject(b"a")
    shop._offset = 0
    shop.reject(b"a")
    assert shop.redrive().results == {
        ("unknown_market", Result.REDRIVEN): 1,
        ("unknown_market", Result.BEFORE): 1,
    }
    assert len(shop.written()) == 1


def test_only_the_classes_that_were_asked_for_go_back(shop):
    for class_ in ("unknown_market", "invalid", "late", "empty"):
        shop.reject(class_.encode(), class_=class_)
    counts = shop.redrive(Asked(frozenset({"invalid", "late"})))
    assert counts.skipped == {Skipped.CLASS: 2}
    assert shop.values() == [b"invalid", b"late"]
    assert shop.redrive(Asked(frozenset(REJECT_CLASSES))).results == {
        ("unknown_market", Result.REDRIVEN): 1,
        ("empty", Result.REDRIVEN): 1,
        ("invalid", Result.BEFORE): 1,
        ("late", Result.BEFORE): 1,
    }


def test_the_times_are_those_of_the_rejection(shop):
    shop.reject(b"before")
    now = datetime.now(UTC)
    until(lambda: datetime.now(UTC) - now > timedelta(milliseconds=2))  # Kafka's times are milliseconds
    shop.reject(b"after")
    assert shop.redrive(UNKNOWN_MARKET._replace(since=now)).skipped == {Skipped.TIME: 1}
    assert shop.values() == [b"after"]
    counts = shop.redrive(UNKNOWN_MARKET._replace(until=now))
    assert (counts.results, counts.skipped) == (
        {("unknown_market", Result.REDRIVEN): 1},
        {Skipped.TIME: 1},
    )
    assert len(shop.written()) == 2


def test_a_limit_holds_and_the_next_run_goes_on(shop):
    shop.reject(*many(5))
    for _ in range(2):
        counts = shop.redrive(UNKNOWN_MARKET._replace(limit=2))
        assert counts.results["unknown_market", Result.REDRIVEN] == 2
    assert counts.results == {
        ("unknown_market", Result.REDRIVEN): 2,
        ("unknown_market", Result.BEFORE): 2,
        ("unknown_market", Result.OVER_LIMIT): 1,
    }
    assert len({value for _, _, value, _ in shop.written()}) == len(shop.written()) == 4


def test_a_dry_run_counts_and_writes_nothing(shop):
    shop.reject(*many(3))
    for _ in range(2):
        counts = shop.redrive(UNKNOWN_MARKET._replace(dry_run=True))
        assert counts.results == {("unknown_market", Result.REDRIVEN): 3}
    assert (shop.written(), shop.noted()) == ([], [])


def test_what_was_cut_or_has_no_place_any_more_stays(shop):
    shop.reject(b"long", keep_bytes=2)
    shop.reject(b"a", partition=7)
    shop.reject(b"b", events="no-such-topic")
    shop.reject(b"c")
    assert shop.redrive().results == {
        ("unknown_market", Result.CUT): 1,
        ("unknown_market", Result.GONE): 2,
        ("unknown_market", Result.REDRIVEN): 1,
    }
    assert shop.values() == [b"c"]


def test_what_is_no_rejected_record_is_passed_over(shop):
    produce(shop.cluster, shop.topic, [None], key=b"v1")
    produce(shop.cluster, shop.topic, [b"{}"], headers=[("ce_id", None), ("offerstream.class", b"late")])
    produce(shop.cluster, shop.topic, [b"{}"], headers=[("ce_id", b"a/0/1"), ("ce_type", b"rejected")])
    shop.reject(b"a")
    counts = shop.redrive()
    assert counts.skipped == {Skipped.TOMBSTONE: 1, Skipped.FOREIGN: 2}
    assert counts.results == {("unknown_market", Result.REDRIVEN): 1}


def test_a_record_that_its_topic_refuses_stays_and_the_others_go(shop):
    small = f"{shop.events}-small"
    new = NewTopic(small, 2, -1, config={"max.message.bytes": "50000"})
    administer(shop.cluster.bootstrap, lambda client: client.create_topics([new]))
    topics.ensure_topics(shop.cluster, {small: 2})
    shop.reject(b"a", os.urandom(90_000), b"b", events=small)
    shop.reject(b"c")
    assert shop.redrive().results == {
        ("unknown_market", Result.REDRIVEN): 3,
        ("unknown_market", Result.REFUSED): 1,
    }
    assert [one.value() for one in read_all(shop.cluster, small)] == [b"a", b"b"]
    assert shop.values() == [b"c"]
    assert shop.redrive().results == {
        ("unknown_market", Result.BEFORE): 3,
        ("unknown_market", Result.REFUSED): 1,
    }


def run(shop, *words, crash_at=""):
    env = {name: value for name, value in os.environ.items() if not name.startswith("OFFERSTREAM_")}
    where = ["--bootstrap", shop.cluster.bootstrap, "--set", f"topics=rejected={shop.topic}"]
    arguments = ["redrive", *where, "--class", "unknown_market", *words]
    return warm_start.run("flows.cli", arguments, env=env | {"OFFERSTREAM_CRASH_AT": crash_at})


@pytest.mark.parametrize(
    "points",
    [
        ("redrive_announced:2", "redrive_announced"),
        ("record_written:60", "redrive_announced:2"),
        ("record_written:170", "record_written:30"),
        ("redrive_written", "redrive_written:2"),
        ("redrive_noted", "record_written:200"),
    ],
    ids=" then ".join,
)
def test_runs_that_are_killed_in_the_middle_leave_every_record_to_go_back_once(shop, points):
    values = many(350)
    shop.reject(*values)
    for point in points:
        assert run(shop, crash_at=point).returncode == -signal.SIGKILL
    done = run(shop)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.match(r"unknown_market: \d+ re-driven, \d+ re-driven before\n", done.stdout)
    assert sum(int(number) for number in re.findall(r"(\d+) re-driven", done.stdout)) == 350
    assert shop.values() == values
    assert len(shop.noted()) == 350
    assert run(shop).stdout == "unknown_market: 350 re-driven before\n"


def test_equal_messages_go_back_as_often_as_they_were_rejected(shop):
    shop.reject(*[b"{nope"] * 250)
    assert run(shop, crash_at="record_written:90").returncode == -signal.SIGKILL
    shop.redrive()
    assert shop.values() == [b"{nope"] * 250


def test_a_dry_run_after_a_killed_one_knows_what_was_written_and_writes_nothing(shop):
    shop.reject(*many(40))
    assert run(shop, crash_at="redrive_written").returncode == -signal.SIGKILL
    counts = shop.redrive(UNKNOWN_MARKET._replace(dry_run=True))
    written = len(shop.written())
    assert counts.results == {
        ("unknown_market", Result.REDRIVEN): 40 - written,
        ("unknown_market", Result.BEFORE): written,
    }
    assert shop.noted() == []


def test_the_command_says_how_many_of_what(shop):
    shop.reject(b"a", b"b")
    shop.reject(b"c", class_="invalid")
    produce(shop.cluster, shop.topic, [None], key=b"v1")
    dry = run(shop, "--dry-run", "--limit", "1")
    assert dry.stdout.splitlines() == [
        "unknown_market: 1 would be re-driven, 1 over the limit",
        "passed over: 1 of other classes, 1 tombstones",
        *dry.stdout.splitlines()[2:],
    ]
    assert "late once more" in dry.stdout
    assert run(shop).stdout.startswith("unknown_market: 2 re-driven\n")
    again = run(shop)
    assert again.stdout.splitlines() == [
        "unknown_market: 2 re-driven before",
        "passed over: 1 of other classes, 1 tombstones",
    ]
    assert run(shop, "--since", "2100-01-01T00:00:00Z").stdout.startswith("unknown_market: none\n")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--since", "yesterday"], "--since: must be a time such as 2026-11-20T14:00:00Z; got 'yesterday'"),
        (["--until", "2026-11-20T14:00:00"], "--until: must be a time such as 2026-11-20T14:00:00Z; got"),
        (["--limit", "0"], "--limit: must be a whole number from 1; got '0'"),
        (["--limit", "many"], "--limit: must be a whole number from 1; got 'many'"),
        (["--class", "unheard_of"], "--class: invalid choice: 'unheard_of'"),
    ],
)
def test_wrong_arguments_are_refused(shop, words, why):
    done = run(shop, *words)
    assert (done.returncode, why in done.stderr) == (2, True)


def test_a_topic_that_is_not_there_is_named(cluster):
    with pytest.raises(SetupError, match="topic no-such does not exist"):
        redrive(cluster, "no-such", UNKNOWN_MARKET)


def test_a_record_without_an_acknowledgement_ends_the_run_and_the_next_one_goes_on(killable_broker):
    cluster = Cluster(killable_broker.bootstrap)
    shop = Shop(cluster, lambda count, name: topics.ensure_topics(cluster, {name: count}) and name)
    shop.reject(*many(3))
    shop.cluster = cluster._replace(settings={"delivery.timeout.ms": 4000, "request.timeout.ms": 2000})

    class Killing(RecordWriter):
        def write(self, records):
            if len(records) > 1:
                killable_broker.keep()
                killable_broker.kill()
            return super().write(records)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, "RecordWriter", Killing)
        with pytest.raises(BrokerError, match="events/1 cannot be written: "):
            shop.redrive()
    killable_broker.start()
    shop.redrive()
    assert shop.values() == many(3)
    assert len(shop.noted()) == 3


def test_a_topic_that_takes_no_notes_is_an_error(shop):
    class Refusing(RecordWriter):
        def write(self, records):
            return {0} if is_note(Message(b"", None, records[0].headers)) else super().write(records)

    shop.reject(b"a")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, "RecordWriter", Refusing)
        with pytest.raises(BrokerError, match=f"{shop.topic} refuses the notes of redrive"):
            shop.redrive()
    assert shop.values() == []


def test_what_was_written_back_is_of_now(shop):
    shop.reject(b"a")
    shop.redrive()
    (record,) = read_all(shop.cluster, shop.events)
    assert record.timestamp()[1] / 1000 > datetime.now(UTC).timestamp() - 60
