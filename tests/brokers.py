"""The brokers that tests run on: the embedded one, Apache Kafka from Maven Central, or a running one."""

import os
import shutil
import subprocess
import time
import uuid
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from flows.kafka.broker_process import HOST, BrokerProcess, EmbeddedBroker, free_port
from flows.kafka.cluster import TRANSIENT

KAFKA = "3.9.1"
POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>offerstream</groupId><artifactId>broker</artifactId><version>1</version>
  <dependencies>
    {parts}
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
"""
PART = f"""<dependency>
      <groupId>org.apache.kafka</groupId><artifactId>{{}}</artifactId><version>{KAFKA}</version>
    </dependency>"""
JAVA = (
    *("-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
)


class MissingError(RuntimeError):
    """Something that Apache Kafka needs is not on this machine."""


def jars(name="kafka", parts=("kafka_2.13",)) -> Path:
    """The directory of the jars of parts of Kafka, fetched with Maven once and kept in the user's cache."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "offerstream" / f"{name}-{KAFKA}"
    if not cache.is_dir():
        need("mvn", "Maven, which fetches Apache Kafka")
        new = cache.with_name(f"{cache.name}.{uuid.uuid4().hex}")
        new.mkdir(parents=True)
        (new / "pom.xml").write_text(POM.format(parts="".join(map(PART.format, parts))))
        goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={new}"]
        done = subprocess.run(
            ["mvn", "-q", "-ntp", "-B", "-f", new / "pom.xml", *goal],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            shutil.rmtree(new)
            raise MissingError(
                f"Maven could not fetch Apache Kafka {KAFKA}: {done.stdout[-2000:]}{done.stderr}"
            )
        try:
            new.rename(cache)
        except OSError:  # another run was faster
            shutil.rmtree(new)
    return cache


def need(program: str, what: str) -> None:
    """Raise MissingError if a program is not on the path."""
    if shutil.which(program) is None:
        raise MissingError(
            f"--broker apache needs {what} (`{program}`); it is not on the path of this machine"
        )


class ApacheBroker(BrokerProcess):
    """Apache Kafka as a single KRaft node, broker and controller in one process."""

    start_within_s = 60.0
    stop_within_s = 20.0
    format_options: tuple[str, ...] = ()

    def __init__(self, port: int = 0, directory: Path | None = None) -> None:
        need("java", "Java 17 or newer")
        self._classes = f"{jars()}/*"
        super().__init__(port, directory)
        self._controller = free_port()
        self._settings = self.directory / "server.properties"
        self._settings.write_text("\n".join(f"{name}={value}" for name, value in self.settings().items()))
        if not (self.directory / "data").exists():
            cluster = "MkU3OEVBNTcwNTJENDM2Qk"
            tool = ["kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(self._settings)]
            command = ["java", *JAVA, "-cp", self._classes, *tool, *self.format_options]
            subprocess.run(command, check=True, capture_output=True)

    def settings(self) -> dict[str, str]:
        """The settings of the node."""
        return {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@{HOST}:{self._controller}",
            "listeners": f"PLAINTEXT://{HOST}:{self.port},CONTROLLER://{HOST}:{self._controller}",
            "advertised.listeners": f"PLAINTEXT://{HOST}:{self.port}",
            "controller.listener.names": "CONTROLLER",
            "log.dirs": f"{self.directory / 'data'}",
            "auto.create.topics.enable": "false",
            "offsets.topic.replication.factor": "1",
            "offsets.topic.num.partitions": "1",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "group.initial.rebalance.delay.ms": "0",
            "message.max.bytes": "20000000",
            "log.retention.check.interval.ms": "300",
            "log.retention.ms": "-1",
            "broker.heartbeat.interval.ms": "200",
            "broker.session.timeout.ms": "1000",
        }

    def command(self) -> list[str]:
        """The Java process itself."""
        return ["java", *JAVA, "-cp", self._classes, "kafka.Kafka", str(self._settings)]

    def keep(self) -> None:
        """Return once everything acknowledged survives a kill: here at once, it is the operating system's."""


class SavedBroker(EmbeddedBroker):
    """The embedded broker, which saves about once a second, and what a test needs before it may kill it."""

    def keep(self) -> None:
        """Return once everything acknowledged survives a kill: when a topic made now is saved too."""
        mark = f"saved-{uuid.uuid4().hex}"
        administer(self.bootstrap, lambda client: client.create_topics([NewTopic(mark, 1, -1)]))
        data, deadline = self.directory / "kafka.json", time.monotonic() + 15
        while not (data.exists() and mark in data.read_text()):
            if time.monotonic() > deadline:
                raise TimeoutError(f"the embedded broker did not save within 15 s: {data}")
            time.sleep(0.02)


class GivenBroker:
    """A broker that runs already; tests make topics of their own on it and never stop it."""

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap


def answered(ask, within_s=20.0):
    """What ``ask()`` returns; an error that passes by itself is waited out, as after a topic was made."""
    deadline = time.monotonic() + within_s
    while True:
        try:
            return ask()
        except KafkaException as error:
            if error.args[0].code() not in TRANSIENT or time.monotonic() > deadline:
                raise
        time.sleep(0.02)


def administer(bootstrap, ask, within_s=20.0):
    """Let ``ask(client)`` ask for something of an AdminClient, and return when all of it is done."""
    client = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    answered(lambda: [each.result(within_s) for each in ask(client).values()], within_s)


def broker_class(name: str) -> type[SavedBroker | ApacheBroker]:
    """The broker that ``--broker`` names; for HOST:PORT the embedded one, where a test needs one to kill."""
    return ApacheBroker if name == "apache" else SavedBroker
