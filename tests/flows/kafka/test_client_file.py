"""``client.properties`` as people have it for Java's clients, read for librdkafka."""

import pytest

from flows.kafka.client_file import read_client_file, with_secrets
from flows.kafka.java_names import translated
from flows.settings import read_settings
from schemas.errors import SetupError


@pytest.fixture
def file(tmp_path):
    def write(text, name="client.properties"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


def test_the_file_is_read_as_java_reads_it(file):
    text = (
        "# a comment\n! another\n\n  security.protocol = SASL_SSL\nsasl.mechanism:PLAIN\n"
        "client.id  the\\u0020worker\nsasl.jaas.config=one \\\n    two;\nsasl.password=a\\=b,c=d\\\\\n"
    )
    assert read_client_file(file(text)) == {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "PLAIN",
        "client.id": "the worker",
        "sasl.jaas.config": "one two;",
        "sasl.password": "a=b,c=d\\",
    }


def test_a_line_that_is_no_setting_is_named_and_not_shown(file):
    path = file("a=b\nsecret-password\n")
    with pytest.raises(SetupError) as refused:
        read_client_file(path)
    assert str(refused.value) == f"{path}: line 2 must be NAME=VALUE; it is not"


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(SetupError, match=r"the Kafka file must be one that can be read; got .*No such file"):
        read_client_file(tmp_path / "nowhere")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(SetupError, match="it is not UTF-8"):
        read_client_file(tmp_path / "binary")


def test_secrets_stand_in_files_of_their_own(file, tmp_path):
    file("of-a-directory\n", "password")
    secrets = file("key=of-a-file\n", "secrets.properties")
    given = {
        "sasl.password": f"${{directory:{tmp_path}:password}}",
        "ssl.key.password": f"${{file:{secrets}:key}}",
        "client.id": "plain",
    }
    assert with_secrets(given) == {
        "sasl.password": "of-a-directory",
        "ssl.key.password": "of-a-file",
        "client.id": "plain",
    }


def test_a_secret_that_is_not_there_is_named_by_its_place(file, tmp_path):
    secrets = file("key=value\n", "secrets.properties")
    with pytest.raises(
        SetupError, match=r"`sasl.password` must stand in a file that can be read; got .*/other"
    ):
        with_secrets({"sasl.password": f"${{directory:{tmp_path}:other}}"})
    with pytest.raises(
        SetupError, match=r"`sasl.password` must stand in .*secrets.properties as other; it does"
    ):
        with_secrets({"sasl.password": f"${{file:{secrets}:other}}"})


MODULES = "org.apache.kafka.common.security"


@pytest.mark.parametrize(
    ("java", "ours"),
    [
        (
            {
                "sasl.jaas.config": f"{MODULES}.scram.ScramLoginModule required "
                'username="u" password="p\\"q,=";'
            },
            {"sasl.username": "u", "sasl.password": 'p"q,='},
        ),
        (
            {"sasl.jaas.config": f"{MODULES}.plain.PlainLoginModule required username=u password=p ;"},
            {"sasl.username": "u", "sasl.password": "p"},
        ),
        (
            {
                "sasl.login.callback.handler.class": f"{MODULES}.oauthbearer.OAuthBearerLoginCallbackHandler",
                "sasl.jaas.config": f"{MODULES}.oauthbearer.OAuthBearerLoginModule required "
                'clientId="c" clientSecret="s" scope="k";',
                "sasl.oauthbearer.token.endpoint.url": "https://login/token",
            },
            {
                "sasl.oauthbearer.method": "oidc",
                "sasl.oauthbearer.client.id": "c",
                "sasl.oauthbearer.client.secret": "s",
                "sasl.oauthbearer.scope": "k",
                "sasl.oauthbearer.token.endpoint.url": "https://login/token",
            },
        ),
        (
            {
                "sasl.mechanism": "AWS_MSK_IAM",
                "sasl.client.callback.handler.class": "software.amazon.msk.auth.iam.IAMClientCallbackHandler",
                "sasl.jaas.config": 'software.amazon.msk.auth.iam.IAMLoginModule required awsRoleArn="arn";',
            },
            {"sasl.mechanism": "AWS_MSK_IAM", "aws.role.arn": "arn"},
        ),
        (
            {"ssl.truststore.type": "PEM", "ssl.truststore.location": "/ca.pem"},
            {"ssl.ca.location": "/ca.pem"},
        ),
        (
            {"ssl.keystore.type": "PEM", "ssl.keystore.location": "/me.pem", "ssl.key.password": "p"},
            {"ssl.certificate.location": "/me.pem", "ssl.key.location": "/me.pem", "ssl.key.password": "p"},
        ),
        (
            {"ssl.keystore.type": "PKCS12", "ssl.keystore.location": "/me.p12", "ssl.keystore.password": "p"},
            {"ssl.keystore.location": "/me.p12", "ssl.keystore.password": "p"},
        ),
        ({"ssl.truststore.certificates": "PEM"}, {"ssl.ca.pem": "PEM"}),
        ({"ssl.endpoint.identification.algorithm": ""}, {"ssl.endpoint.identification.algorithm": "none"}),
        ({"key.deserializer": "x.Y", "fetch.min.bytes": "1"}, {"fetch.min.bytes": "1"}),
    ],
)
def test_names_of_java_alone_become_those_of_librdkafka(java, ours):
    assert translated(java) == ours


@pytest.mark.parametrize(
    ("java", "said"),
    [
        ({"ssl.truststore.location": "/ca.jks"}, "must be a file of the type PEM; it is JKS"),
        ({"ssl.keystore.location": "/me.jks"}, "must be a file of the type PEM or PKCS12; it is JKS"),
        (
            {"sasl.jaas.config": "com.sun.Krb5LoginModule required secret=hidden;"},
            "with one of PlainLoginModule",
        ),
        ({"sasl.jaas.config": "hidden"}, "must be `MODULE required ...;`"),
    ],
)
def test_what_librdkafka_cannot_do_is_refused_and_not_shown(java, said):
    with pytest.raises(SetupError, match=said) as refused:
        translated(java)
    assert "hidden" not in str(refused.value)


def test_settings_go_before_the_file_and_its_brokers_hold_where_none_are_set(file):
    path = file("bootstrap.servers=kafka:9093\nclient.id=file\nlinger.ms=5\n")
    settings = read_settings(kafka_file=path, kafka={"client.id": "given"})
    assert settings.bootstrap == "kafka:9093"
    assert settings.kafka_settings() == {"client.id": "given", "linger.ms": "5"}
    assert read_settings(kafka_file=path, bootstrap="other:1").bootstrap == "other:1"


def test_a_kafka_file_that_is_wrong_stops_every_command_at_its_start(file, tmp_path):
    with pytest.raises(SetupError, match="the Kafka file must be one that can be read"):
        read_settings(kafka_file=tmp_path / "nowhere")
    with pytest.raises(SetupError, match="line 1 must be NAME=VALUE"):
        read_settings(kafka_file=file("nonsense"), bootstrap="kafka:1")
