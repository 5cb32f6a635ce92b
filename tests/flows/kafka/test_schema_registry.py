"""Schemas from a registry: each is asked for once, and what cannot be had now is waited for, not rejected."""

import itertools
import json
import logging
import struct
import sys
import time

import orjson
import pytest
from confluent_kafka.schema_registry import SchemaRegistryClient

from flows.cli import main
from flows.kafka.schema_registry import schema_cache
from flows.kafka.schema_registry.client import RegistryClient
from flows.kafka.schema_registry.schema_cache import RefusedSchemaError, SchemaCache
from flows.kafka.schema_registry.start import schema_registry
from flows.kafka.schema_registry.subjects import subjects_of
from flows.settings import read_settings
from schemas.adapters import decoder
from schemas.adapters.frames import Frame
from schemas.errors import RegistryError, SetupError
from schemas.json_schemas import output_schemas
from schemas.message import Message
from schemas.rejected import InvalidEvent
from tests.builders import MAX_EVENT_BYTES
from tests.schema_registry import SchemaRegistry, Serializing
from tests.schemas.test_golden import GOLDEN

SKU = {"type": "record", "name": "Item", "namespace": "shop", "fields": [{"name": "sku", "type": "string"}]}
VIEWED = {
    "type": "record",
    "name": "Viewed",
    "fields": [
        {"name": "type", "type": "string"},
        {"name": "id", "type": "string"},
        {"name": "time", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "visitor_id", "type": "string"},
        {"name": "sku", "type": "string"},
        {
            "name": "price",
            "type": ["null", {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}],
        },
    ],
}
EVENT = {"type": "product_viewed", "id": "e-1", "time": 1_772_366_400_000, "visitor_id": "v-1", "sku": "A-7"}
UNKNOWN = "the Schema Registry does not know it"
REFUSED = "the Schema Registry's client refuses the settings: "
PROTOBUF = {"schemaType": "PROTOBUF", "schema": 'syntax = "proto3"; message Event { string id = 1; }'}


@pytest.fixture
def registry():
    with SchemaRegistry() as one:
        yield one


def framed(payload, schema=7):
    return Message(struct.pack(">bI", 0, schema) + payload)


def avro(registry, *, in_header=False, **changed):
    value, headers = Serializing(registry).avro(
        VIEWED, EVENT | {"price": None} | changed, in_header=in_header
    )
    return Message(value, headers=headers)


def eventually(cache, messages):
    """How many messages are ready once what is asked for has been answered."""
    deadline = time.monotonic() + 20
    while (ready := cache.ready(messages)) < len(messages) and time.monotonic() < deadline:
        time.sleep(0.002)
    return ready


def refusal(registry, message):
    with schema_registry(registry.url, {}) as cache, pytest.raises(InvalidEvent) as refused:
        decoder("native", MAX_EVENT_BYTES, payloads=cache)(message)
    return refused.value.class_, refused.value.reason


@pytest.mark.parametrize("in_header", [False, True], ids=["before the payload", "in a header"])
def test_avro_of_a_real_serializer_is_read_like_json(registry, in_header):
    message = avro(registry, in_header=in_header)
    with schema_registry(registry.url, {}) as cache:
        event = decoder("native", MAX_EVENT_BYTES, payloads=cache)(message).event
    assert (event.id, event.sku, event.price, event.time.isoformat()) == (
        "e-1", "A-7", None, "2026-03-01T12:00:00+00:00",
    )  # fmt: skip


def test_avro_is_read_in_the_format_of_its_topic(registry):
    properties = {
        "type": "record",
        "name": "P",
        "fields": [{"name": n, "type": t} for n, t in (("product_id", "string"), ("price", "float"))],
    }
    fields = ("type", "event", "messageId", "anonymousId", "timestamp")
    call = {
        "type": "record",
        "name": "Call",
        "fields": [
            *({"name": each, "type": "string"} for each in fields),
            {"name": "properties", "type": ["null", properties]},
        ],
    }
    given = {
        "type": "track",
        "event": "Product Viewed",
        "messageId": "m",
        "anonymousId": "v",
        "timestamp": "2026-03-01T12:00:00Z",
    }
    value, _ = Serializing(registry).avro(call, given | {"properties": {"product_id": "A-7", "price": 19.9}})
    with schema_registry(registry.url, {}) as cache:
        event = decoder("segment", MAX_EVENT_BYTES, payloads=cache)(Message(value)).event
    assert (event.type, event.sku, event.price) == ("product_viewed", "A-7", 19.9)


def test_references_are_resolved_through_others(registry):
    price = {
        "type": "record",
        "name": "Price",
        "namespace": "shop",
        "fields": [{"name": "amount", "type": "double"}],
    }
    item = {
        "type": "record",
        "name": "Item",
        "namespace": "shop",
        "fields": [{"name": "price", "type": "shop.Price"}],
    }
    cart = {
        "type": "record",
        "name": "Cart",
        "fields": [{"name": "a", "type": "shop.Item"}, {"name": "b", "type": "shop.Price"}],
    }
    registry.put("price", {"schema": json.dumps(price)})
    to_price = {"name": "shop.Price", "subject": "price", "version": 1}
    registry.put("item", {"schema": json.dumps(item), "references": [to_price]})
    references = [{"name": "shop.Item", "subject": "item", "version": 1}, to_price]
    id_ = registry.put("cart", {"schema": json.dumps(cart), "references": references})["id"]
    client = RegistryClient(registry.url, {})
    assert orjson.loads(client.fetch(id_)(struct.pack("<dd", 9.5, 2.0))) == {
        "a": {"price": {"amount": 9.5}},
        "b": {"amount": 2.0},
    }
    assert registry.asked.count("/subjects/price/versions/1") == 1
    client.close()


def test_a_reference_that_is_gone_is_a_reason_to_reject(registry):
    lost = {"name": "shop.Price", "subject": "price", "version": 1}
    id_ = registry.put("cart", {"schema": json.dumps(VIEWED), "references": [lost]})["id"]
    class_, reason = refusal(registry, framed(b"x", id_))
    assert class_ == "schema"
    assert reason.startswith(
        f"schema {id_}: the Schema Registry does not know it: Subject 'price' not found."
    )


def test_a_schema_is_asked_for_once(registry):
    messages = [avro(registry, id=f"e-{number}") for number in range(5)]
    registry.asked.clear()
    with schema_registry(registry.url, {}) as cache:
        assert eventually(cache, messages) == 5
        decode = decoder("native", MAX_EVENT_BYTES, payloads=cache)
        assert [decode(message).event.id for message in messages] == [f"e-{number}" for number in range(5)]
    assert registry.asked == ["/subjects", "/schemas/ids/1"]


def test_json_is_read_without_asking_even_where_there_is_a_registry(registry):
    message = framed(b'{"type": "page_viewed", "id": "e", "time": "2026-03-01T12:00:00Z", "visitor_id": "v"}')
    with schema_registry(registry.url, {}) as cache:
        assert cache.ready([message]) == 1
        assert decoder("native", MAX_EVENT_BYTES, payloads=cache)(message).event.id == "e"
    assert registry.asked == ["/subjects"]


def test_broken_json_whose_schema_says_that_it_is_json_is_no_json(registry):
    id_ = registry.put("s", {"schemaType": "JSON", "schema": "{}"})["id"]
    assert refusal(registry, framed(b'{"a"', id_))[0] == "not_json"


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        (PROTOBUF, "schema 1: Protobuf is not read, only Avro and JSON are"),
        ({"schema": "nonsense"}, "schema 1: it is no Avro schema: not JSON"),
        ({"schema": '{"type": "record"}'}, "schema 1: it is no Avro schema: SchemaParseException"),
        ({"schema": json.dumps(VIEWED)}, "the payload does not fit its Avro schema: EOFError"),
        (None, f"schema 1: {UNKNOWN}: Schema 1 not found (HTTP status code 404, SR code 40403)"),
    ],
)  # fmt: skip
def test_what_waiting_does_not_help_is_rejected_with_the_reason(registry, schema, reason):
    if schema is not None:
        registry.put("s", schema)
    assert refusal(registry, framed(b"\x06abc", 1)) == ("schema", reason)


def test_many_references_are_refused(registry, monkeypatch):
    monkeypatch.setattr("flows.kafka.schema_registry.client.MAX_REFERENCES", 2)
    for name in "abc":
        registry.put(name, {"schema": json.dumps(SKU)})
    references = [{"name": name, "subject": name, "version": 1} for name in "abc"]
    id_ = registry.put("s", {"schema": json.dumps(VIEWED), "references": references})["id"]
    assert refusal(registry, framed(b"x", id_))[1] == f"schema {id_}: it refers to more than 2 others"


class Clock:
    def __init__(self):
        self.now_s = 0.0

    def __call__(self):
        return self.now_s


class Answers:
    """A fetch that answers what it is told to, and counts."""

    def __init__(self, answer=bytes):
        self.answer = answer
        self.asked = []

    def __call__(self, schema):
        self.asked.append(schema)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def clock():
    return Clock()


def answered(cache, message):
    """Ask until the answer has come, whatever it is; return how many messages are ready."""
    ready = cache.ready([message])
    while cache._fetched:
        ready = cache.ready([message])
    return ready


def test_a_registry_that_does_not_answer_is_asked_again_ever_more_rarely(clock, caplog):
    fetch = Answers(RegistryError("the Schema Registry does not answer: ConnectError"))
    cache = SchemaCache(fetch, clock)
    message = framed(b"x")
    tried_s = []
    while clock.now_s < 40:
        before = len(fetch.asked)
        assert answered(cache, message) == 0
        tried_s += [clock.now_s] * (len(fetch.asked) - before)
        clock.now_s += 0.0625
    waits_s = [later - earlier for earlier, later in itertools.pairwise(tried_s)]
    assert waits_s == sorted(waits_s)
    assert waits_s[0] < 0.2
    assert 10 <= waits_s[-1] < 10.1
    assert "reading waits for schema 7: the Schema Registry does not answer: ConnectError" in caplog.text
    caplog.set_level(logging.INFO)
    fetch.answer = bytes
    clock.now_s += 20
    assert answered(cache, message) == 1
    assert "the Schema Registry answers again" in caplog.text
    cache.close()


def test_messages_before_the_one_whose_schema_is_missing_are_ready(clock):
    cache = SchemaCache(Answers(RegistryError("down")), clock)
    assert cache.ready([Message(b"{}"), Message(None), framed(b"{}"), framed(b"x"), Message(b"{}")]) == 3
    cache.close()


def test_a_schema_that_was_not_known_is_asked_for_again_after_a_minute(clock):
    fetch = Answers(RefusedSchemaError("unknown"))
    cache = SchemaCache(fetch, clock)
    assert answered(cache, framed(b"x")) == 1
    with pytest.raises(InvalidEvent, match="schema: schema 7: unknown"):
        cache.json_of(Frame(7, b"x"))
    fetch.answer = bytes
    clock.now_s = 59
    assert answered(cache, framed(b"x")) == 1
    assert fetch.asked == [7]
    clock.now_s = 61
    assert answered(cache, framed(b"x")) == 1
    assert cache.json_of(Frame(7, b"x")) == b"x"
    cache.close()


def test_the_schemas_used_last_are_remembered_and_no_more_than_so_many(clock, monkeypatch):
    monkeypatch.setattr(schema_cache, "CAPACITY", 3)
    fetch = Answers()
    cache = SchemaCache(fetch, clock)
    for schema in (0, 1, 2, 0, 3, 0, 4, 1):
        assert answered(cache, framed(b"x", schema)) == 1
    assert fetch.asked == [0, 1, 2, 3, 4, 1]
    assert len(cache) == 3
    cache.close()


def test_who_cannot_hold_back_waits_for_a_schema_and_gives_up_with_words(monkeypatch):
    monkeypatch.setattr(schema_cache, "GIVE_UP_AFTER_S", 0.0)
    cache = SchemaCache(Answers(RegistryError("down")))
    with pytest.raises(RegistryError, match="the Schema Registry does not give schema 7"):
        decoder("native", MAX_EVENT_BYTES, payloads=cache)(framed(b"x"))
    cache.close()


@pytest.mark.parametrize("trouble", ["500", "401", "html", "stopped", "slow"])
def test_no_trouble_with_the_registry_rejects_anything(registry, trouble):
    message = avro(registry)
    conf = {"timeout": "0.2"} if trouble == "slow" else {}
    with schema_registry(registry.url, conf) as cache:
        match trouble:
            case "500" | "401":
                registry.status = int(trouble)
            case "html":
                registry.answer_of = lambda _: (200, b"<html>login</html>")
            case "stopped":
                registry.stop()
            case "slow":
                registry.delay_s = 1.0
        assert answered(cache, message) == 0
        match trouble:
            case "html":
                del registry.answer_of
            case "stopped":
                registry.start()
        registry.status, registry.delay_s = None, 0.0
        assert eventually(cache, [message]) == 1
        assert decoder("native", MAX_EVENT_BYTES, payloads=cache)(message).event.id == "e-1"


def test_a_registry_that_does_not_answer_at_start_stops_it_with_words(registry):
    registry.status = 503
    with (
        pytest.raises(
            SetupError,
            match=r"SCHEMA_REGISTRY must be one that answers; got .* refuses: out of order .HTTP status",
        ),
        schema_registry(registry.url, {}),
    ):
        pass  # pragma: no cover
    registry.stop()
    with (
        pytest.raises(SetupError, match=r"does not answer: ConnectError: .*refused"),
        schema_registry(registry.url, {}),
    ):
        pass  # pragma: no cover


def test_a_login_is_given_and_stands_in_no_log_line_and_no_error(caplog):
    caplog.set_level(logging.DEBUG)
    with SchemaRegistry(user="worker:hush-hush") as registry:
        with schema_registry(registry.url, {"basic.auth.user.info": "worker:hush-hush"}) as cache:
            assert eventually(cache, [avro(registry)]) == 1
        with (
            pytest.raises(SetupError, match="401") as refused,
            schema_registry(registry.url, {"basic.auth.user.info": "worker:hush-hash"}),
        ):
            pass  # pragma: no cover
    assert "hush" not in caplog.text + str(refused.value)


@pytest.mark.parametrize(
    ("conf", "words"),
    [
        ({"basic.auth.user.info": "hush"}, REFUSED + "basic.auth.user.info must be in the form"),
        ({"no.such": "hush"}, REFUSED + "Unrecognized properties: no.such"),
        ({"timeout": "soon"}, "SCHEMA_REGISTRY_CLIENT timeout must be a number; got 'soon'"),
        ({"ssl.ca.location": "/nowhere.pem"}, REFUSED + ".*No such file"),
    ],
)  # fmt: skip
def test_settings_that_the_client_does_not_take_stop_the_start(registry, conf, words):
    with pytest.raises(SetupError, match=words) as refused, schema_registry(registry.url, conf):
        pass  # pragma: no cover
    assert "hush" not in str(refused.value)


def test_the_schemas_of_what_is_written_are_registered_once_under_their_topics(registry):
    topics = read_settings(topics="offers=my.offers", flat_offers=True).output_topics
    for _ in range(2):
        with schema_registry(registry.url, {}, subjects_of(topics)):
            pass
    assert registry.subjects == {
        "my.offers-value": [1],
        "shop.offers.flat-value": [2],
        "shop.decisions-value": [3],
    }
    client = SchemaRegistryClient({"url": registry.url})
    for name, subject in (("offers", "my.offers-value"), ("decisions", "shop.decisions-value")):
        known = client.get_version(subject, 1)
        assert known.schema.schema_type == "JSON"
        assert json.loads(known.schema.schema_str) == output_schemas()[name]


def test_values_that_are_written_fit_what_is_registered(registry):
    with schema_registry(registry.url, {}, subjects_of({"offers": "shop.offers"})):
        schema = json.loads(registry.schemas[1]["schema"])
    for line in (GOLDEN / "offers.jsonl").read_text().splitlines():
        Serializing(registry, "shop.offers").json(schema, json.loads(line))


def test_a_registry_that_does_not_take_a_schema_stops_the_start_with_words(registry):
    registry.incompatible = {"shop.offers-value"}
    words = "REGISTER_SCHEMAS must be off, or .* must take the schema of shop.offers-value: .*incompatible"
    with (
        pytest.raises(SetupError, match=words),
        schema_registry(registry.url, {}, subjects_of({"offers": "shop.offers"})),
    ):
        pass  # pragma: no cover


def test_schemas_are_registered_only_where_there_is_a_registry():
    with pytest.raises(SetupError, match="SCHEMA_REGISTRY must be set beside REGISTER_SCHEMAS; it is not"):
        read_settings(register_schemas=True)
    assert read_settings(register_schemas=True, schema_registry="http://a").register_schemas


def test_without_a_registry_nothing_is_loaded_or_asked():
    with schema_registry(None, {}) as cache:
        assert cache is None


@pytest.mark.parametrize("package", ["fastavro", "httpx2", "authlib"])
def test_without_the_extra_the_start_says_what_to_install(monkeypatch, tmp_path, capsys, package):
    for name in [
        name
        for name in sys.modules
        if name.startswith(
            (
                "flows.kafka.schema_registry.client",
                "flows.kafka.schema_registry.avro",
                "confluent_kafka.schema_registry",
            )
        )
    ]:
        monkeypatch.delitem(sys.modules, name)
    for name in [name for name in sys.modules if name.split(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    words = ["live", "--state", str(tmp_path), "--schema-registry", "http://127.0.0.1:1"]
    assert main(words) == 2
    said = capsys.readouterr().err
    assert said.startswith("offerstream live: the Schema Registry's client must be installed; ")
    assert said.endswith(" is not: pip install 'offerstream[avro]'\n")


@pytest.mark.parametrize(
    ("url", "client", "words"),
    [
        ("registry:8081", "", " must be a URL like `https://registry:8081`; got 'registry:8081'"),
        ("http://me:hush@registry", "", " must be a URL like .*; got one with a login, which belongs in"),
        ("http://a, ftp://b", "", " must be a URL like"),
        (None, "timeout=3", " must be set beside SCHEMA_REGISTRY_CLIENT; it is not"),
        (
            "http://a",
            "timeout=3,hush",
            "_CLIENT must be pairs like `name=value,name=value`; number 2 is none",
        ),
    ],
)
def test_wrong_settings_are_refused_in_words_without_secrets(url, client, words):
    with pytest.raises(SetupError, match=f"SCHEMA_REGISTRY{words}") as refused:
        read_settings(schema_registry=url, schema_registry_client=client)
    assert "hush" not in str(refused.value)


def test_several_registries_may_be_named():
    settings = read_settings(schema_registry="https://a:8081, http://b", schema_registry_client="timeout=3")
    assert settings.schema_registry == "https://a:8081, http://b"
    assert settings.schema_registry_client == {"timeout": "3"}


def test_the_file_of_settings_may_hold_the_login_and_an_error_does_not_show_it(tmp_path):
    (tmp_path / "worker.toml").write_text(
        'schema_registry = "http://a"\n[schema_registry_client]\n"basic.auth.user.info" = "me:hush"\n'
    )
    settings = read_settings(tmp_path / "worker.toml")
    assert settings.schema_registry_client == {"basic.auth.user.info": "me:hush"}
    for name in ("kafka", "schema_registry_client"):
        (tmp_path / "worker.toml").write_text(f"[{name}]\npassword = 481516\n")
        with pytest.raises(SetupError, match=f"^{name.upper()}_PASSWORD must be a valid string$") as refused:
            read_settings(tmp_path / "worker.toml")
        assert "481516" not in str(refused.value)
