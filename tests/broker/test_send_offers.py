"""What reaches marketing tools, by the program and the transforms that the documentation shows."""

import json
import re
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.error import HTTPError

import pytest

from flows.kafka.broker_process import LEASH, free_port
from schemas.flat_offers import flat
from schemas.offers import read_offer_record
from tests.broker.driving import produce, until
from tests.brokers import JAVA, jars
from tests.schemas.test_golden import GOLDEN
from tests.test_send_offers import TEXT, connectors

pytestmark = pytest.mark.broker

OFFERS = (GOLDEN / "offers.jsonl").read_bytes().splitlines()
FLAT = [flat(read_offer_record(line)) for line in OFFERS]
CONNECT = ("connect-runtime", "connect-transforms", "connect-json", "connect-file")


class Tool:
    """A marketing tool that refuses some requests, given by their numbers from one."""

    def __init__(self, refused):
        tool = self
        self.headers, self.accepted, self.requests = {}, [], 0

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                tool.requests += 1
                tool.headers = dict(self.headers)
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if tool.requests not in refused:
                    tool.accepted.append(body["data"]["attributes"])
                self.send_response(503 if tool.requests in refused else 202)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/api/events"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()


def test_klaviyo_gets_every_offer_and_again_what_it_refused(cluster, make_topic):
    names = {}
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    exec(code, names)
    topic = make_topic(prefix="flat")
    last = FLAT[-1] | {"event_id": "last"}
    produce(cluster, topic, [json.dumps(each).encode() for each in (*FLAT, last)], key=b"v-1")
    with Tool(refused={3, len(FLAT) + 2}) as klaviyo:
        for _ in range(2):
            with pytest.raises(HTTPError, match="503"):
                names["send_to_klaviyo"]("secret", cluster.bootstrap, topic, klaviyo.url)
    assert [each["unique_id"] for each in klaviyo.accepted] == [each["event_id"] for each in FLAT]
    assert [each["properties"] for each in klaviyo.accepted] == FLAT
    assert klaviyo.headers["Authorization"] == "Klaviyo-API-Key secret"
    known, unknown = klaviyo.accepted[:2]
    assert known["metric"]["data"]["attributes"] == {"name": "offer.decided"}
    assert known["profile"]["data"]["attributes"] == {"external_id": "u-7"}
    assert unknown["profile"]["data"]["attributes"] == {"anonymous_id": "v-1"}


def top_level(text):
    """The fields of a Java map as its toString tells them, what is nested left as text."""
    found, depth, start = {}, 0, 1
    for at, letter in enumerate(text):
        depth += (letter in "{[") - (letter in "}]")
        if depth == 0 or (depth == 1 and re.match(r", \w+=", text[at:])):
            name, _, value = text[start:at].partition("=")
            found[name] = value
            start = at + 2
    return found


@pytest.fixture
def connect(request, broker, tmp_path):
    """Kafka Connect itself, in which a file stands in for the HTTP connector."""
    if request.config.getoption("--broker") != "apache":
        pytest.skip("Kafka Connect runs with --broker apache")
    connectors_of, processes = [], []

    def start(*configurations):
        settings = {
            "bootstrap.servers": broker.bootstrap,
            "key.converter": "org.apache.kafka.connect.storage.StringConverter",
            "value.converter": "org.apache.kafka.connect.json.JsonConverter",
            "offset.storage.file.filename": tmp_path / "offsets",
            "listeners": f"http://127.0.0.1:{free_port()}",
            "plugin.discovery": "service_load",
        }
        for number, each in enumerate((settings, *configurations)):
            path = tmp_path / f"{number}.properties"
            path.write_text("".join(f"{name}={value}\n" for name, value in each.items()))
            connectors_of.append(str(path))
        classes = f"{jars('connect', CONNECT)}/*"
        main = "org.apache.kafka.connect.cli.ConnectStandalone"
        with (tmp_path / "connect.log").open("wb") as log:
            command = [*LEASH, "java", *JAVA, "-cp", classes, main, *connectors_of]
            processes.append(subprocess.Popen(command, stdout=log, stderr=log))

    yield start
    for each in processes:
        each.kill()
        each.wait()


def test_transforms_make_of_each_record_what_a_tool_takes(connect, cluster, make_topic, tmp_path):
    given = {each.id: each.values[1] for each in connectors()}
    topics = {name: make_topic(prefix=name) for name in given}
    for topic, lines in zip(
        topics.values(), (OFFERS, [json.dumps(each).encode() for each in FLAT]), strict=True
    ):
        produce(cluster, topic, lines, key=b"v-1")
    files = {name: tmp_path / f"{name}.txt" for name in given}
    of_http = re.compile(r"(http|oauth2|batch|batching|max)\.")
    connect(
        *(
            {key: value for key, value in properties.items() if not of_http.match(key)}
            | {"connector.class": "FileStreamSink", "file": files[name], "topics": topics[name]}
            for name, properties in given.items()
        )
    )

    def sent(name):
        lines = files[name].read_text().splitlines() if files[name].exists() else []
        return [top_level(line) for line in lines]

    until(lambda: all(len(sent(name)) == len(OFFERS) for name in given), 60)
    first, *_, last = sent("offers-to-iterable")
    assert first.keys() == {"id", "eventName", "userId", "createdAt", "dataFields"}
    assert (first["id"], first["eventName"], first["userId"]) == ("d1-decided", "offer.decided", "v-1")
    assert (first["createdAt"], last["createdAt"]) == ("1772366520", "1772366700")
    assert "offer_id=d1" in first["dataFields"]
    first, *_, last = sent("offers-to-salesforce")
    assert (first["ContactKey"], first["offer_value"], first["item_1_title"]) == ("u-7", "10.0", "Blue mug")
    assert last == {
        "event_id": "d1-ended",
        "event_type": "offer.revoked",
        "offer_id": "d1",
        "visitor_id": "v-1",
        "ContactKey": "u-7",
        "at": "2026-03-01T12:05:00.000000Z",
        "reason": "out_of_stock",
    }
