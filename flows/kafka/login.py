"""How clients log in: what is checked before librdkafka is asked, and tokens that it asks us for."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from flows.kafka import msk_iam
from schemas.errors import SetupError

PROTOCOL, MECHANISM, METHOD = "security.protocol", "sasl.mechanism", "sasl.oauthbearer.method"
MECHANISMS: Final = "sasl.mechanisms"
"""librdkafka's own name of ``sasl.mechanism``."""
ENDPOINT: Final = "sasl.oauthbearer.token.endpoint.url"
SECRET_PARTS: Final = ("password", "secret", "pem", "assertion", "jaas")
"""Settings with these words in their names are never shown."""


def login_settings(settings: Mapping[str, Any], bootstrap: str) -> dict[str, Any]:
    """Return the settings as librdkafka takes them, with a callback where it must ask us for tokens.

    Raises SetupError for what would make clients log in differently from what was meant, or never.
    """
    given = {MECHANISM if name == MECHANISMS else name: value for name, value in settings.items()}
    protocol = str(given.get(PROTOCOL, "PLAINTEXT")).upper()
    _check_protocol(given, protocol)
    for name, value in given.items():
        if name.endswith(".location") and not Path(str(value)).is_file():
            raise SetupError(f"Kafka setting `{name}` must be a file that can be read; got {str(value)!r}")
    mechanism = str(given.get(MECHANISM, "")).upper()
    if mechanism == msk_iam.MECHANISM:
        token_of = msk_iam.token_of(given, bootstrap)
        others = {name: value for name, value in given.items() if name not in msk_iam.OPTIONS}
        return others | {MECHANISM: "OAUTHBEARER", "oauth_cb": token_of}
    if mechanism == "OAUTHBEARER" and "oauth_cb" not in given:
        _check_oidc(given)
    return given


def without_secrets(text: str, settings: Mapping[str, Any]) -> str:
    """Return a text with the values of secret settings blotted out.

    >>> without_secrets('Invalid value "abc"', {"sasl.password": "abc"})
    'Invalid value "***"'
    """
    secrets = [
        str(value) for name, value in settings.items() if value and any(part in name for part in SECRET_PARTS)
    ]
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "***")
    return text


def _check_protocol(settings: Mapping[str, Any], protocol: str) -> None:
    for beginning, wanted in (("sasl.", "SASL_SSL"), ("ssl.", "SSL")):
        named = next((name for name in settings if name.startswith(beginning)), None)
        fits = protocol.startswith("SASL") if beginning == "sasl." else protocol.endswith("SSL")
        if named is not None and not fits:
            raise SetupError(
                f"Kafka setting `{PROTOCOL}` must be {wanted} or the like beside `{named}`, "
                f"or that is not used; got {protocol}"
            )


def _check_oidc(settings: Mapping[str, Any]) -> None:
    if str(settings.get(METHOD, "default")).lower() != "oidc":
        raise SetupError(
            f"Kafka setting `{METHOD}` must be oidc beside OAUTHBEARER, or no token is ever fetched"
        )
    url = urlsplit(str(settings.get(ENDPOINT, "https://-")))
    if url.scheme not in {"http", "https"} or not url.netloc:
        raise SetupError(
            f"Kafka setting `{ENDPOINT}` must be a URL like `https://login/oauth2/token`; it is not"
        )
