"""What is checked of logins before librdkafka is asked, and the tokens it asks us for."""

import logging
from types import SimpleNamespace

import pytest

from flows.kafka.cluster import (
    Cluster,
    client_log,
    create_admin_client,
    create_consumer,
    create_producer,
    log_client_error,
)
from flows.kafka.connection_trouble import explained
from flows.kafka.login import login_settings
from flows.kafka.msk_iam import token_of
from flows.kafka.topics import partition_counts
from schemas.errors import SetupError

TOKENS = {"security.protocol": "SASL_SSL", "sasl.mechanism": "OAUTHBEARER"}
MSK = "b-1.shop.x1y2z3.c4.kafka.eu-central-1.amazonaws.com:9098"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"sasl.mechanism": "PLAIN"},
            "`security.protocol` must be SASL_SSL or the like beside `sasl.mechanism`",
        ),
        (
            {"security.protocol": "SSL", "sasl.username": "u"},
            "must be SASL_SSL .* beside `sasl.username`.*; got SSL",
        ),
        ({"ssl.ca.location": "/ca.pem"}, "must be SSL or the like beside `ssl.ca.location`.*; got PLAINTEXT"),
        (
            {"security.protocol": "SSL", "ssl.ca.location": "/nowhere"},
            "`ssl.ca.location` must be a file that can be read; got '/nowhere'",
        ),
        (TOKENS, "`sasl.oauthbearer.method` must be oidc beside OAUTHBEARER"),
        (
            TOKENS | {"sasl.oauthbearer.method": "oidc", "sasl.oauthbearer.token.endpoint.url": "login"},
            "`sasl.oauthbearer.token.endpoint.url` must be a URL",
        ),
        (TOKENS | {"sasl.oauthbearer.method": "oidc"}, "token.endpoint.url` is mandatory"),
        (TOKENS | {"sasl.mechanism": "SCRAM-SHA-512"}, "sasl.username and sasl.password must be set"),
        ({"security.protocol": "SASL_SSL", "sasl.mechanism": "AWS_MSK_IAM"}, "`aws.region` must be set"),
        ({"acks": "1"}, "`acks` is always all here"),
    ],
)
def test_a_login_that_cannot_be_meant_stops_at_the_start(settings, said, monkeypatch):
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SetupError, match=said):
        create_consumer(Cluster("127.0.0.1:1", settings=settings))


def test_a_fixed_setting_may_be_given_as_it_is():
    create_producer(Cluster("127.0.0.1:1", settings={"acks": "all", "enable.idempotence": "true"}))


def test_a_value_that_is_refused_is_not_shown_where_it_may_be_a_secret():
    key = {"security.protocol": "SSL", "ssl.key.pem": "hush", "ssl.endpoint.identification.algorithm": "hush"}
    with pytest.raises(SetupError) as refused:
        create_admin_client(Cluster("127.0.0.1:1", settings=key))
    assert "hush" not in str(refused.value)


@pytest.mark.parametrize(
    ("settings", "called"),
    [
        ({}, ("default", "eu-central-1")),
        ({"aws.profile": "shop"}, ("profile", "eu-central-1", "shop")),
        ({"aws.role.arn": "arn", "aws.profile": "shop"}, ("role", "eu-central-1", "arn", "offerstream")),
        ({"aws.region": "us-east-1"}, ("default", "us-east-1")),
    ],
)
def test_msk_tokens_are_signed_for_the_region_of_the_brokers(settings, called):
    calls = []

    def signing(kind):
        return lambda *given: calls.append((kind, *given)) or ("token", 12_500)

    signer = SimpleNamespace(
        generate_auth_token=signing("default"),
        generate_auth_token_from_profile=signing("profile"),
        generate_auth_token_from_role_arn=signing("role"),
    )
    assert token_of(settings, MSK, signer)("") == ("token", 12.5)
    assert calls == [called]


def test_the_region_may_stand_in_the_environment(monkeypatch):
    monkeypatch.setenv("AWS_REGION", "sa-east-1")
    signer = SimpleNamespace(generate_auth_token=lambda region: (region, 1000))
    assert token_of({}, "kafka:9098", signer)("") == ("sa-east-1", 1.0)


def test_msk_without_its_extra_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "aws_msk_iam_sasl_signer", None)
    with pytest.raises(SetupError, match=r"which is not installed: pip install 'offerstream\[msk\]'"):
        login_settings({"security.protocol": "SASL_SSL", "sasl.mechanism": "AWS_MSK_IAM"}, MSK)


@pytest.mark.parametrize(
    ("reported", "hint"),
    [
        ("sasl_ssl://h:1/bootstrap: SSL handshake failed: certificate verify failed: x", "`ssl.ca.location`"),
        (
            "ssl://h:1/1: Receive failed: SSL routines::tlsv13 alert certificate required",
            "another certificate",
        ),
        ("h:1/bootstrap: Failed to resolve 'h:1': Name or service not known", "the host in `bootstrap`"),
        ("h:1/1: Disconnected: x (after 3ms in state UP)", "may want a login"),
        ("sasl_ssl://h:1/1: Disconnected: x (after 3ms in state UP)", None),
    ],
)
def test_the_reason_of_librdkafka_stays_and_is_explained_where_that_is_known(reported, hint):
    said = explained(reported)
    assert said.startswith(reported.partition(" (after ")[0])
    assert (hint in said) if hint else "; " not in said


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ("no-such-host.invalid:9092", "Failed to resolve.*; see the host in `bootstrap`"),
        ("127.0.0.1:1", "Connection refused; nothing listens there: see `bootstrap`"),
    ],
)
def test_who_asks_for_the_wrong_place_hears_so(at, said):
    with pytest.raises(SetupError, match=f"no Kafka broker answers at {at}: .*{said}"):
        partition_counts(Cluster(at), timeout_s=0.5)


def test_a_running_worker_logs_the_reason_too(caplog, monkeypatch):
    caplog.set_level(logging.WARNING)
    monkeypatch.setattr(client_log, "filters", [])  # one line in ten seconds, whichever test wrote it
    error = SimpleNamespace(
        str=lambda: "h:1/bootstrap: Failed to resolve 'h:1': no (after 1ms in state CONNECT)"
    )
    log_client_error(error)
    assert "see the host in `bootstrap`" in caplog.text
