"""A Schema Registry in the test's own process that speaks its HTTP, and real serializers that use it."""

import base64
import json
import threading
import time
import uuid
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

from confluent_kafka.schema_registry import SchemaRegistryClient, header_schema_id_serializer
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.schema_registry.json_schema import JSONSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

SCHEMA_NOT_FOUND = 40403


class SchemaRegistry:
    """``status`` and ``delay_s`` are of every answer to a GET; ``asked`` are the paths of those.

    ``incompatible`` are subjects that take no other schema.
    """

    def __init__(self, user=None):
        self.schemas = {}
        self.subjects = {}
        self.asked = []
        self.incompatible = set()
        self.status = None
        self.delay_s = 0.0
        self.user = user
        self._port = 0
        self._server = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self._port}"

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        if self._server is not None:
            self.stop()

    def start(self):
        registry = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.0"  # a connection a request, so that a stop refuses the next one

            def do_GET(self):
                path = unquote(urlsplit(self.path).path)
                registry.asked.append(path)
                time.sleep(registry.delay_s)
                if registry.status is not None:
                    self.answer(registry.status, {"error_code": registry.status, "message": "out of order"})
                elif not registry.knows(self.headers["Authorization"]):
                    self.answer(401, {"error_code": 401, "message": "Unauthorized"})
                else:
                    self.answer(*registry.get(path))

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                _, _, subject, *versions = unquote(urlsplit(self.path).path).split("/")
                if not versions:
                    self.answer(404, {"error_code": SCHEMA_NOT_FOUND, "message": "Schema not found"})
                    return
                if subject in registry.incompatible:
                    self.answer(
                        409, {"error_code": 409, "message": "Schema being registered is incompatible"}
                    )
                    return
                self.answer(200, registry.put(subject, json.loads(body)))

            def answer(self, status, body):
                content = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                with suppress(BrokenPipeError):  # who asked was tired of waiting
                    self.wfile.write(content)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def stop(self):
        self._server.shutdown()
        self._server.server_close()
        self._server = None

    def knows(self, header):
        return self.user is None or header == f"Basic {base64.b64encode(self.user.encode()).decode()}"

    def put(self, subject, schema):
        """Register a schema under a subject; return what a registry answers."""
        id_ = next((id_ for id_, each in self.schemas.items() if each == schema), len(self.schemas) + 1)
        self.schemas[id_] = schema
        versions = self.subjects.setdefault(subject, [])
        if id_ not in versions:
            versions.append(id_)
        return {"id": id_, "guid": self.guid(id_), "subject": subject, "version": versions.index(id_) + 1}

    def guid(self, id_):
        return str(uuid.UUID(int=id_))

    def get(self, path):
        match path.strip("/").split("/"):
            case ["subjects"]:
                return 200, sorted(self.subjects)
            case ["schemas", "ids", id_]:
                return self.answer_of(int(id_))
            case ["schemas", "guids", guid]:
                return self.answer_of(uuid.UUID(guid).int)
            case ["subjects", subject, "versions", version]:
                versions = self.subjects.get(subject)
                if versions is None:
                    return 404, {"error_code": 40401, "message": f"Subject '{subject}' not found."}
                id_ = versions[int(version) - 1]
                known = {"subject": subject, "version": int(version), "id": id_, "guid": self.guid(id_)}
                return 200, known | self.schemas[id_]
        return 404, {"error_code": 404, "message": "HTTP 404 Not Found"}

    def answer_of(self, id_):
        if id_ not in self.schemas:
            return 404, {"error_code": SCHEMA_NOT_FOUND, "message": f"Schema {id_} not found"}
        return 200, self.schemas[id_] | {"guid": self.guid(id_)}


class Serializing:
    """Values and their headers as Confluent's serializers make them, with a registry."""

    def __init__(self, registry, topic="events"):
        conf = {"url": registry.url, "max.retries": 0}
        if registry.user is not None:
            conf["basic.auth.user.info"] = registry.user
        self.client = SchemaRegistryClient(conf)
        self.topic = topic

    def avro(self, schema, value, *, in_header=False):
        return self._made(AvroSerializer, json.dumps(schema), value, in_header)

    def json(self, schema, value, *, in_header=False):
        return self._made(JSONSerializer, json.dumps(schema), value, in_header)

    def _made(self, kind, schema, value, in_header):
        conf = {"schema.id.serializer": header_schema_id_serializer} if in_header else {}
        headers = []
        serializer = kind(schema_str=schema, schema_registry_client=self.client, conf=conf)
        made = serializer(value, SerializationContext(self.topic, MessageField.VALUE, headers))
        return made, tuple(headers)
