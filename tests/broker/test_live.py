"""The worker as its users run it: what goes in over Kafka, what comes out, and how it stops."""

import json
import os
import time
import uuid
from datetime import UTC, datetime

import orjson
import pytest
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.cimpl import NewPartitions

from flows.kafka.cluster import Cluster
from flows.kafka.topics import ensure_topics
from schemas.decisions import read_decision_record
from schemas.offers import read_offer_record
from tests import warm_start
from tests.broker.driving import produce, read_all
from tests.brokers import administer
from tests.worker import TEN_PERCENT, TOPICS, Worker, count, read, send

pytestmark = [pytest.mark.broker, pytest.mark.timeout(300)]

PARTITIONS = 2
QUICK = {"idle_after": "1s", "lateness": "1s", "session_gap": "4s", "epoch": "500ms", "partitions": "2"}


@pytest.fixture
def worker_of(broker, tmp_path):
    """Makes workers over topics of their own and ends them with the test."""
    workers = []

    def make(args=("--from", "earliest"), shop=TEN_PERCENT, extra=(), topics_of=None, **settings):
        suffix = uuid.uuid4().hex[:8]
        topics = {name: f"{name}-{suffix}" for name in TOPICS} if topics_of is None else topics_of.topics
        names = [*topics.values(), *(f"{name}-{suffix}" for name in extra)]
        ensure_topics(Cluster(broker.bootstrap), dict.fromkeys(names, PARTITIONS))
        (tmp_path / "offers.toml").write_text(shop)
        args = [word.replace("SUFFIX", suffix) for word in args]
        state = tmp_path / f"state-{len(workers)}"
        worker = Worker(
            broker.bootstrap, state, topics, offers=tmp_path / "offers.toml", args=args, **QUICK | settings
        )
        workers.append(worker)
        return worker

    yield make
    for worker in workers:
        if worker.process is not None and worker.process.poll() is None:
            worker.kill()


def stamp(at_s=None):
    return datetime.fromtimestamp(time.time() if at_s is None else at_s, UTC).isoformat()


def event(kind, visitor="v", at_s=None, **more):
    return orjson.dumps(
        {"type": kind, "id": uuid.uuid4().hex, "time": stamp(at_s), "visitor_id": visitor} | more
    )


def carted(visitor="v", at_s=None, **more):
    return event("cart_item_added", visitor, at_s, items=[{"sku": "A", "price": 40.0}], **more)


def send_events(worker, *values, topic="events", key=b"k"):
    send(worker.bootstrap, [(worker.topics[topic], 0, key, value) for value in values])


def records(worker, stream):
    return [
        (orjson.loads(value) if stream != "rejected" else value, headers)
        for _, value, headers in read(worker.bootstrap, worker.topics[stream], PARTITIONS)
    ]


def kinds(worker, stream):
    return [value["type"] for value, _ in records(worker, stream)]


def test_an_idle_cart_gets_an_offer_and_a_purchase_revokes_it(worker_of):
    worker = worker_of(policy="always:ten").start().started()
    send_events(worker, *(carted(f"v{n}") for n in range(3)))
    worker.until(lambda: kinds(worker, "decisions").count("decision") == 3)
    worker.until(lambda: kinds(worker, "offers") == ["offer.decided"] * 3)
    offers = [value for value, _ in records(worker, "offers")]
    for offer in offers:
        read_offer_record(orjson.dumps(offer))
    first = offers[0]["data"]
    send_events(
        worker, event("offer_shown", first["visitor_id"], offer_id=first["offer_id"]), topic="feedback"
    )
    items = [{"sku": "A", "price": 40.0}]
    send_events(worker, event("order_completed", first["visitor_id"], order_id="o", items=items))
    worker.until(lambda: "offer.revoked" in kinds(worker, "offers"))
    for value, _ in records(worker, "decisions"):
        read_decision_record(orjson.dumps(value))
    assert worker.stop() == 0


def test_invalid_records_are_rejected_with_their_bytes_and_a_reason_and_the_worker_continues(
    worker_of, request
):
    # the embedded broker takes no message above a megabyte
    large = 990_000 if request.config.getoption("--broker") == "embedded" else 5_000_000
    worker = worker_of(max_event_bytes="900000", watermark_visitors="1")
    send_events(worker, carted("first"))
    wrong = {
        "not_json": b"{nope",
        "encoding": b'{"type":"page_viewed","id":"\xff"}',
        "unknown_market": carted(market="mars"),
        "invalid": orjson.dumps({"type": "page_viewed", "id": "x"}),
        "too_large": carted(device="x" * large),
        "too_deep": b"[" * 100_000 + b"]" * 100_000,
        "late": carted(at_s=time.time() - 40 * 86_400),
        "empty": b"",
    }
    more = {"no id": carted().replace(b'"id"', b'"ID"'), "far past": carted(at_s=0)}
    send_events(worker, *wrong.values(), *more.values())
    send_events(worker, None)
    send_events(worker, carted(), key=b"")
    send_events(worker, carted("ahead", at_s=time.time() + 40 * 86_400), carted("last"))
    worker.start()
    worker.until(
        lambda: {"ahead", "last"} <= {value.get("visitor_id") for value, _ in records(worker, "decisions")}
    )
    worker.until(lambda: len(records(worker, "rejected")) == len(wrong) + len(more) + 2)
    found = records(worker, "rejected")
    classes = {}
    topic = worker.topics["events"].encode()
    for value, headers in found:
        classes.setdefault(headers["offerstream.class"].decode(), []).append((value, headers))
        assert headers["offerstream.reason"]
        assert headers["ce_id"] == b"%s/0/%s" % (topic, headers["offerstream.offset"])
    for name, value in wrong.items():
        kept = [got for got, _ in classes[name]]
        assert any(got == value or (got or b"") == value[: len(got or b"")] for got in kept), name
    assert len(classes["invalid"]) == 3
    assert len(classes["empty"]) == 2
    assert len(classes["empty_key"]) == 1
    (cut, headers) = classes["too_large"][0]
    assert len(cut) == 900_000 < int(headers["offerstream.length"])
    assert len(headers["offerstream.sha256"]) == 64
    assert worker.stop() == 0


def test_a_rejected_record_keeps_its_key_and_its_headers(worker_of):
    worker = worker_of()
    own = [("class", b"gold"), ("class", None), ("ce_id", None), ("traceparent", b"\xff")]
    keys = [None, b"v1", b"\x00\x07\xff"]
    cluster = Cluster(worker.bootstrap)
    for key in keys:
        produce(cluster, worker.topics["events"], [carted(market="mars")], key=key, headers=own)
    worker.start()
    worker.until(lambda: len(records(worker, "rejected")) == len(keys))
    assert worker.stop() == 0
    found = read_all(cluster, worker.topics["rejected"])
    assert sorted((one.key() for one in found), key=repr) == sorted(keys, key=repr)
    for one in found:
        assert one.headers()[2:6] == own
        assert dict(one.headers())["kafka_dlt-original-topic"] == worker.topics["events"].encode()


def test_what_was_rejected_goes_back_and_is_taken_once_its_market_is_there(worker_of):
    worker = worker_of(shop=TEN_PERCENT.replace("[markets.default]", '[markets.de]\ncurrency = "EUR"'))
    cloud_event = [("ce_specversion", "1.0"), ("ce_id", "c-1"), ("ce_type", "cart_item_added")]
    cloud_event += [("ce_subject", "carol"), ("ce_time", stamp())]
    data = orjson.dumps({"items": [{"sku": "A", "price": 40.0}]})
    send_events(worker, carted("anna"))
    produce(Cluster(worker.bootstrap), worker.topics["events"], [data], headers=cloud_event)
    worker.start()
    worker.until(lambda: len(records(worker, "rejected")) == 2)
    assert worker.stop() == 0
    mended = worker_of(("--from", "latest"), topics_of=worker).start().started()
    where = ["--bootstrap", worker.bootstrap, "--set", f"topics=rejected={worker.topics['rejected']}"]
    done = warm_start.run("flows.cli", ["redrive", *where, "--class", "unknown_market"])
    assert done.stdout.startswith("unknown_market: 2 re-driven\n")
    mended.until(
        lambda: {value["visitor_id"] for value, _ in records(mended, "decisions")} == {"anna", "carol"}
    )
    assert mended.stop() == 0


def test_a_rejected_record_that_its_topic_does_not_take_is_cut_and_the_worker_continues(worker_of):
    worker = worker_of()
    topic = worker.topics["rejected"]
    limit = ConfigEntry("max.message.bytes", "500000", incremental_operation=AlterConfigOpType.SET)
    small = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=[limit])
    administer(worker.bootstrap, lambda client: client.incremental_alter_configs([small]))
    garbage = b"\xff" + os.urandom(700_000)
    send_events(worker, carted("first"), garbage, b"{nope", carted("last"))
    worker.start()
    worker.until(lambda: len(read(worker.bootstrap, topic, PARTITIONS)) == 2)
    assert worker.stop() == 0
    found = {
        headers["offerstream.class"]: (value, headers)
        for _, value, headers in read(worker.bootstrap, topic, PARTITIONS)
    }
    value, headers = found[b"encoding"]
    assert garbage.startswith(value)
    assert 400_000 < len(value) < 500_000
    assert (headers["offerstream.length"], headers["offerstream.cut"]) == (b"700001", b"value")
    assert found[b"not_json"][0] == b"{nope"


def test_a_restart_resumes_where_it_stopped_and_a_second_worker_is_refused(worker_of):
    worker = worker_of().start().started()
    send_events(worker, carted("a"))
    worker.until(lambda: kinds(worker, "decisions").count("score") >= 1)
    second = warm_start.run("flows.cli", worker.arguments)
    assert second.returncode == 2
    assert "belongs to a running worker" in second.stderr
    assert worker.stop() == 0
    before = count(worker.bootstrap, [worker.topics["decisions"]], PARTITIONS)
    send_events(worker, carted("b"))
    worker.start()
    worker.until(lambda: "b" in [value["visitor_id"] for value, _ in records(worker, "decisions")])
    assert worker.stop() == 0
    ids = [id_ for id_, _, _ in read(worker.bootstrap, worker.topics["decisions"], PARTITIONS)]
    assert len(ids) == len(set(ids)) > before


def test_a_visitor_can_be_looked_up_while_the_worker_runs(worker_of, tmp_path):
    worker = worker_of(policy="epsilon_greedy").start().started()
    send_events(worker, event("page_viewed", "anna"), carted("anna"))
    worker.until(lambda: "decision" in kinds(worker, "decisions"))
    words = ["visitor", "anna", "--state", worker.state, "--offers", tmp_path / "offers.toml"]

    def known():
        done = warm_start.run("flows.cli", words)
        return json.loads(done.stdout) if done.returncode == 0 else None

    worker.until(lambda: known() is not None and known()["features"] is not None)
    anna = known()
    assert anna["cart"]["value"] == 40.0
    assert anna["features"]["page_views"] == 1
    assert [score["kind"] for score in anna["scores"]]
    assert anna["decisions"][0]["visitor_id"] == "anna"
    assert worker.stop() == 0


def test_segment_calls_are_read_from_a_topic_of_their_own(worker_of):
    args = (
        "--from",
        "earliest",
        "--events",
        "events-SUFFIX",
        "--events",
        "web-SUFFIX",
        "--format",
        "web-SUFFIX=segment",
    )
    worker = worker_of(args, extra=["web"])
    track = {
        "type": "track",
        "event": "Product Added",
        "messageId": "m1",
        "anonymousId": "sam",
        "timestamp": stamp(),
        "properties": {"product_id": "A", "price": "12.5", "quantity": 2},
    }
    suffix = worker.topics["events"].removeprefix("events-")
    send(worker.bootstrap, [(f"web-{suffix}", 0, b"k", orjson.dumps(track))])
    worker.start()
    worker.until(lambda: "sam" in [value["visitor_id"] for value, _ in records(worker, "decisions")])
    assert worker.stop() == 0


def test_a_shadow_decides_and_logs_and_publishes_no_offer(worker_of):
    worker = worker_of(("--from", "earliest", "--shadow"), policy="uniform").start().started()
    # a draw follows from the wall clock too; so many are all alike once in 500 billion runs
    send_events(worker, *(carted(f"v{n}") for n in range(40)))
    worker.until(lambda: kinds(worker, "decisions").count("decision") == 40)
    decisions = [value for value, _ in records(worker, "decisions") if value["type"] == "decision"]
    assert {value["arm"] for value in decisions} == {"no_offer", "ten"}
    assert all(value["shadow"] and value["offer_id"] is None for value in decisions)
    assert records(worker, "offers") == []
    assert worker.stop() == 0


def test_a_first_start_over_old_history_trains_and_offers_nothing(worker_of):
    worker = worker_of()
    old_s = time.time() - 3600
    send_events(worker, *(carted(f"v{n}", old_s + n) for n in range(20)))
    worker.start()
    worker.until(lambda: kinds(worker, "decisions").count("outcome") == 20)
    assert "decision" not in kinds(worker, "decisions")
    assert records(worker, "offers") == []
    outcomes = [value for value, _ in records(worker, "decisions") if value["type"] == "outcome"]
    assert all(value["weight"] == 1.0 for value in outcomes)
    assert worker.stop() == 0


def test_events_that_are_not_retained_stop_the_worker_with_one_line(worker_of):
    worker = worker_of().start().started()
    assert worker.stop() == 0
    path, name = worker.state / "start.json", f"{worker.topics['events']}/0000"
    first = orjson.loads(path.read_bytes())
    first["sources"][name] = 700
    path.write_bytes(orjson.dumps(first))
    assert worker.start().ended() == 2
    error = f"offerstream live: {name} cannot be read on from offset 700: what Kafka retains is 0 to 0"
    *log, last = worker.said().splitlines()
    assert last.startswith(error)
    assert ": started" in log[-1]
    assert "panicked" not in worker.said()


def add_partitions(worker, topic="events"):
    more = NewPartitions(worker.topics[topic], PARTITIONS + 2)
    administer(worker.bootstrap, lambda client: client.create_partitions([more]))


def visitors(worker, kind):
    return [value["visitor_id"] for value, _ in records(worker, "decisions") if value["type"] == kind]


def test_added_partitions_end_the_worker_to_be_started_again_and_are_read_from_their_beginning(worker_of):
    # the epoch is long: what the second start knows, the first has sealed when it ended
    worker = worker_of(("--from", "latest"), epoch="1h", partition_check="200ms").start().started()
    send_events(worker, carted("before"))
    worker.until(lambda: visitors(worker, "decision") == ["before"])
    add_partitions(worker)
    events = worker.topics["events"]
    cluster = Cluster(worker.bootstrap)
    produce(cluster, events, [carted("added")], PARTITIONS + 1)
    assert worker.ended() == 75
    assert f"partitions were added: {events} 2 to 3; ending, to read them after a restart" in worker.said()
    last = f"offerstream live: partitions were added: {events} 2 to 3; start it again"
    assert worker.said().splitlines()[-1] == last
    assert "added" not in visitors(worker, "score")
    worker.start().started()
    produce(cluster, events, [carted("later")], PARTITIONS)
    worker.until(lambda: sorted(visitors(worker, "decision")) == ["added", "before", "later"])
    assert worker.health()["status"] == "ok"
    assert f'offerstream_events_total{{outcome="processed",topic="{events}"}} 2.0' in worker.metrics()
    assert worker.stop() == 0
    ids = [id_ for id_, _, _ in read(worker.bootstrap, worker.topics["decisions"], PARTITIONS)]
    assert len(ids) == len(set(ids))
    assert sorted(visitors(worker, "decision")) == ["added", "before", "later"]


def test_a_worker_that_is_to_run_on_without_added_partitions_is_degraded(worker_of):
    worker = worker_of(added_partitions="warn", partition_check="200ms").start().started()
    assert worker.health()["status"] == "ok"
    add_partitions(worker, "feedback")
    worker.until(lambda: worker.health()["status"] == "degraded")
    feedback = worker.topics["feedback"]
    reason = f"partitions were added that are not read before a restart: {feedback} 2 to 3"
    assert worker.health()["reasons"] == [reason]
    worker.until(lambda: f"degraded: {reason}" in worker.said())
    assert f'offerstream_unread_partitions{{topic="{feedback}"}} 2.0' in worker.metrics()
    send_events(worker, carted("known"))
    worker.until(lambda: visitors(worker, "decision") == ["known"])
    assert worker.stop() == 0


def test_a_wrong_setting_stops_the_worker_at_start(broker, tmp_path):
    worker = Worker(
        broker.bootstrap, tmp_path / "state", dict.fromkeys(TOPICS, "t"), session_gap="-5"
    ).start()
    assert worker.ended() == 2
    assert "SESSION_GAP must be a positive duration like `30m`; got '-5'" in worker.words()
