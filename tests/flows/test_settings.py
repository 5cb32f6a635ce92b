"""Settings that are none stop at start, and no error shows a secret."""

import pytest

from flows.cli import main
from flows.kafka.cluster import Cluster, create_consumer
from flows.settings import Settings, read_settings
from schemas.errors import SetupError

SECRET = "hunter2"
LOGIN = {"security.protocol": "SASL_SSL", "sasl.mechanism": "PLAIN", "sasl.username": "ann"}


def test_a_variable_that_is_no_setting_stops_at_start_and_the_nearest_is_named(monkeypatch):
    monkeypatch.setenv("OFFERSTREAM_SHADOWW", "true")
    words = r"^OFFERSTREAM_SHADOWW in the environment is not a setting; did you mean OFFERSTREAM_SHADOW[?]$"
    with pytest.raises(SetupError, match=words):
        read_settings()
    monkeypatch.delenv("OFFERSTREAM_SHADOWW")
    monkeypatch.setenv("offerstream_xyzzy_42", "true")
    with pytest.raises(SetupError, match=r"^offerstream_xyzzy_42 in the environment is not a setting"):
        read_settings()


def test_what_kubernetes_and_our_tests_set_is_no_mistake(monkeypatch):
    for name in ("SERVICE_HOST", "SERVICE_PORT_METRICS", "PORT", "PORT_9464_TCP_ADDR", "DATA"):
        monkeypatch.setenv(f"OFFERSTREAM_{name}", "tcp://10.0.0.1:9464")
    monkeypatch.setenv("offerstream_epoch", "5s")
    assert read_settings().epoch.total_seconds() == 5


@pytest.mark.parametrize(
    "kafka",
    [
        f"sasl.password=a,{SECRET}",
        f'{{"sasl.password": "{SECRET}',
        f'{{"sasl.password": ["{SECRET}"]}}',
        f"[{SECRET}]",
        SECRET,
    ],
)
def test_no_error_of_settings_shows_what_may_be_a_password(kafka, monkeypatch):
    monkeypatch.setenv("OFFERSTREAM_KAFKA", kafka)
    with pytest.raises(SetupError, match=r"^KAFKA") as refused:
        read_settings()
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize("value", [1234567, 12.34567, ["1234567"]])
def test_a_password_of_another_type_is_not_shown(value):
    with pytest.raises(SetupError, match=r"^KAFKA_SASL\.PASSWORD must be a valid string$"):
        read_settings(kafka={"sasl.password": value})


def test_a_piece_of_a_password_is_not_shown_as_the_name_of_a_setting():
    with pytest.raises(SetupError, match=r"is there a comma in a value") as refused:
        create_consumer(Cluster("127.0.0.1:1", settings=LOGIN | {"sasl.password": "a", SECRET: "b"}))
    assert SECRET not in str(refused.value)
    with pytest.raises(SetupError, match=r'property: "sasl\.pasword"'):
        create_consumer(Cluster("127.0.0.1:1", settings=LOGIN | {"sasl.pasword": SECRET}))


@pytest.mark.parametrize("option", ["--kafka", "--set"])
def test_an_argument_that_is_no_pair_is_not_shown(option, capfd):
    with pytest.raises(SystemExit):
        main(["live", option, SECRET])
    said = capfd.readouterr().err
    assert f"{option}: must be NAME=VALUE; got something else" in said
    assert SECRET not in said


def test_a_login_in_the_address_of_brokers_is_refused_and_not_shown():
    words = r"^BOOTSTRAP must be brokers like `host:port`; got one with a login"
    with pytest.raises(SetupError, match=words) as refused:
        read_settings(bootstrap=f"ann:{SECRET}@kafka:9092")
    assert SECRET not in str(refused.value)


def test_every_setting_is_known_by_its_variable(monkeypatch):
    for name in Settings.model_fields:
        monkeypatch.setenv(f"OFFERSTREAM_{name.upper()}", "")
    with pytest.raises(SetupError) as refused:
        read_settings()
    assert "in the environment" not in str(refused.value)
