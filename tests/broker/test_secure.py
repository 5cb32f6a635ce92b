"""TLS and logins, on Apache Kafka: who has the right ones is let in, and everybody else hears why not."""

import sys
import uuid
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import orjson
import pytest

from flows.kafka.bounded_read import read_history
from flows.kafka.cluster import Cluster
from flows.kafka.topics import ensure_topics, partition_counts
from flows.kafka.writer import NewRecord, RecordWriter
from schemas.errors import SetupError
from tests.secure_broker import PASSWORD, USER, SecureBroker
from tests.tokens import token, token_service
from tests.worker import TEN_PERCENT, TOPICS, Worker, read, send

pytestmark = [pytest.mark.broker, pytest.mark.timeout(200)]

SCRAM = {"security.protocol": "SASL_SSL", "sasl.mechanism": "SCRAM-SHA-512"}
SCRAM |= {"sasl.username": USER, "sasl.password": PASSWORD}
TOKENS = {"security.protocol": "SASL_SSL", "sasl.mechanism": "OAUTHBEARER"}


@pytest.fixture(scope="module")
def secure(request, tmp_path_factory):
    if request.config.getoption("--broker") != "apache":
        pytest.skip("the embedded broker has neither TLS nor logins: make test-apache")
    with SecureBroker(tmp_path_factory.mktemp("secure") / "broker") as one:
        yield one


def trusting(secure, settings):
    return settings | {"ssl.ca.location": str(secure.authority.certificate)}


def mutual(secure):
    own = {"ssl.certificate.location": str(secure.client), "ssl.key.location": str(secure.client)}
    return trusting(secure, {"security.protocol": "SSL"} | own)


def written_and_read(cluster):
    """What comes back of a record that every kind of client of ours had a part in."""
    topic = uuid.uuid4().hex
    ensure_topics(cluster, {topic: 1})
    RecordWriter(cluster).write([NewRecord(topic, 0, None, b"one", ())])
    return [record.value for batch in read_history(cluster, topic) for record in batch]


def test_a_worker_with_a_kafka_file_logs_in_by_scram_and_never_shows_the_password(secure, tmp_path):
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/password").write_text(f"{PASSWORD}\n")
    (tmp_path / "client.properties").write_text(
        "# as kafka-console-consumer.sh takes it\n"
        "security.protocol=SASL_SSL\nsasl.mechanism=SCRAM-SHA-512\n"
        f"ssl.truststore.type=PEM\nssl.truststore.location={secure.authority.certificate}\n"
        "sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required \\\n"
        f'    username="{USER}" password="${{directory:{tmp_path / "secrets"}:password}}";\n'
    )
    (tmp_path / "offers.toml").write_text(TEN_PERCENT)
    topics = {name: f"{name}-secure" for name in TOPICS}
    settings = {"idle_after": "1s", "lateness": "1s", "epoch": "500ms", "partitions": "1"}
    args = ("--from", "earliest", "--kafka-file", str(tmp_path / "client.properties"))
    worker = Worker(
        secure.at("login"), tmp_path / "state", topics, offers=tmp_path / "offers.toml", args=args, **settings
    )
    with worker.start().started():
        cart = {"type": "page_viewed", "id": "1", "time": "2026-01-01T00:00:00Z", "visitor_id": "v", "x": 1}
        send(secure.bootstrap, [(topics["events"], 0, b"v", orjson.dumps(cart) + b"}")])
        worker.until(lambda: len(read(secure.bootstrap, topics["rejected"], 1)) == 1)
        assert worker.stop() == 0
    assert PASSWORD not in worker.log.read_text()


def test_a_client_with_a_certificate_is_let_in_by_mutual_tls(secure):
    assert written_and_read(Cluster(secure.at("mutual"), "mutual", mutual(secure))) == [b"one"]


def test_oidc_fetches_its_token_from_the_endpoint_that_is_set(secure):
    with token_service("the secret") as (url, asked):
        login = {
            "sasl.oauthbearer.method": "oidc",
            "sasl.oauthbearer.client.id": "worker",
            "sasl.oauthbearer.client.secret": "the secret",
            "sasl.oauthbearer.scope": "kafka",
            "sasl.oauthbearer.token.endpoint.url": url,
        }
        cluster = Cluster(secure.at("login"), "oidc", trusting(secure, TOKENS | login))
        assert written_and_read(cluster) == [b"one"]
        assert asked[0] == {"client": "worker", "scope": ["kafka"]}


def test_msk_iam_gives_each_client_a_signed_token(secure, monkeypatch):
    def signed(region):
        text, until_s = token(f"role-in-{region}")
        return text, until_s * 1000

    signer = SimpleNamespace(generate_auth_token=signed)
    monkeypatch.setitem(sys.modules, "aws_msk_iam_sasl_signer", SimpleNamespace())
    monkeypatch.setitem(sys.modules, "aws_msk_iam_sasl_signer.MSKAuthTokenProvider", signer)
    login = {"security.protocol": "SASL_SSL", "sasl.mechanism": "AWS_MSK_IAM", "aws.region": "eu-west-1"}
    login |= {"reconnect.backoff.ms": "50"}  # a new client's first try comes before its first token
    assert written_and_read(Cluster(secure.at("login"), "msk", trusting(secure, login))) == [b"one"]


@pytest.mark.parametrize(
    ("listener", "settings", "said"),
    [
        ("plain", SCRAM, r"SSL.*; this port has no TLS"),
        (
            "plain",
            SCRAM | {"security.protocol": "SASL_PLAINTEXT"},
            r"SASL .* failed.*; this port has no login",
        ),
        ("mutual", {}, r"Disconnected.*; this port may want TLS: .*, which is PLAINTEXT"),
        (
            "mutual",
            {"security.protocol": "SSL"},
            r"certificate.*; the broker wants another certificate of ours",
        ),
        ("login", {"security.protocol": "SSL"}, r"Disconnected.*; this port may want a login"),
        (
            "login",
            SCRAM | {"security.protocol": "SASL_PLAINTEXT"},
            r"may want TLS: .*, which is SASL_PLAINTEXT",
        ),
        ("login", SCRAM | {"sasl.password": "wrong"}, r"Authentication failed.*; see `sasl.username`"),
        (
            "login",
            SCRAM | {"sasl.mechanism": "PLAIN"},
            r"supported mechanisms: SCRAM-SHA-512.*; see `sasl.mech",
        ),
    ],
)
def test_who_is_not_let_in_hears_why(secure, listener, settings, said):
    at = secure.bootstrap if listener == "plain" else secure.at(listener)
    tls = settings.get("security.protocol", "").endswith("SSL")
    cluster = Cluster(at, settings=trusting(secure, settings) if tls else settings)
    with pytest.raises(SetupError, match=rf"no Kafka broker answers at {at}: .*{said}"):
        partition_counts(cluster, timeout_s=1.0)


def test_a_broker_that_the_authority_did_not_sign_is_not_believed(secure):
    system = {"security.protocol": "SSL", "ssl.certificate.location": str(secure.client)}
    system |= {"ssl.key.location": str(secure.client), "ssl.ca.location": str(secure.client)}
    with pytest.raises(SetupError, match=r"certificate verify failed.*; see `ssl.ca.location`"):
        partition_counts(Cluster(secure.at("mutual"), settings=system), timeout_s=1.0)


def test_a_certificate_of_ours_that_has_expired_is_refused_and_named(secure):
    late = str(secure.authority.issue("late", until=datetime.now(UTC) - timedelta(hours=1)))
    own = {"security.protocol": "SSL", "ssl.certificate.location": late, "ssl.key.location": late}
    with pytest.raises(SetupError, match=r"certificate.*; the broker wants another certificate of ours"):
        partition_counts(Cluster(secure.at("mutual"), settings=trusting(secure, own)), timeout_s=1.0)
