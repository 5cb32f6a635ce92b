"""Which broker the tests run on, and what they borrow of it."""

import uuid

import pytest

from flows.kafka.broker_process import free_port
from flows.kafka.cluster import Cluster
from flows.kafka.topics import ensure_topics
from tests.brokers import GivenBroker, broker_class
from tests.chromium import Chromium, found

collect_ignore = ["benchmarks"]  # scripts, one of which needs a package that the project does not depend on


def pytest_addoption(parser):
    parser.addoption(
        "--broker",
        default="embedded",
        metavar="embedded|apache|HOST:PORT",
        help="the Kafka broker of the tests: the packaged one, Apache Kafka, or one that runs already",
    )
    parser.addoption(
        "--chromium",
        default="if-there",
        choices=("if-there", "required"),
        help="whether a missing Chromium fails the tests of the report's page, or skips them",
    )
    parser.addoption(
        "--promtool",
        default="if-there",
        choices=("if-there", "required"),
        help="whether a missing promtool fails the tests of the alerts, or skips them",
    )


def pytest_configure(config):
    config.addinivalue_line("markers", "broker: speaks the Kafka protocol with a real broker")


@pytest.fixture(scope="session")
def broker(request):
    """The broker of the session; it is never stopped."""
    name = request.config.getoption("--broker")
    if ":" in name:
        yield GivenBroker(name)
        return
    with broker_class(name)() as one:
        yield one


@pytest.fixture
def killable_broker(request):
    """A broker of the test's own, which it may kill and start again."""
    with broker_class(request.config.getoption("--broker"))() as one:
        yield one


@pytest.fixture
def cluster(broker):
    """The session's broker as the worker's settings name it, with a consumer group of the test's own."""
    return Cluster(broker.bootstrap, group=f"group-{uuid.uuid4().hex}")


@pytest.fixture
def make_topic(cluster):
    """Makes a topic that nobody else uses and tells its name."""

    def make(partitions=1, prefix="topic"):
        name = f"{prefix}-{uuid.uuid4().hex}"
        ensure_topics(cluster, {name: partitions})
        return name

    return make


@pytest.fixture(scope="session")
def chromium(request):
    """A browser without a network."""
    if found() is None:
        missing = "there is no chromium here: apt-get install -y --no-install-recommends chromium"
        if request.config.getoption("--chromium") == "required":
            pytest.fail(missing)
        pytest.skip(missing)
    browser = Chromium()
    yield browser
    browser.close()


@pytest.fixture
def port():
    """A free TCP port."""
    return free_port()
