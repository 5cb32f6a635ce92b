"""Settings that only Java's clients have, as librdkafka has them."""

import re
from collections.abc import Mapping
from typing import Final

from schemas.errors import SetupError

JAAS: Final = "sasl.jaas.config"
MODULE: Final = re.compile(r"\s*[\w.]*?(\w+)\s+required\b(.*);\s*", re.DOTALL)
OPTION: Final = re.compile(r"(\w+)\s*=\s*(?:\"((?:\\.|[^\"\\])*)\"|([^\s;\"]+))")
OPTIONS: Final[Mapping[str, Mapping[str, str]]] = {
    "PlainLoginModule": {"username": "sasl.username", "password": "sasl.password"},
    "ScramLoginModule": {"username": "sasl.username", "password": "sasl.password"},
    "OAuthBearerLoginModule": {
        "clientId": "sasl.oauthbearer.client.id",
        "clientSecret": "sasl.oauthbearer.client.secret",
        "scope": "sasl.oauthbearer.scope",
    },
    "IAMLoginModule": {
        "awsProfileName": "aws.profile",
        "awsRoleArn": "aws.role.arn",
        "awsRoleSessionName": "aws.role.session.name",
    },
}
"""What the options of each login module are called here."""

PEM_FILES: Final = {
    "ssl.truststore.location": ("ssl.ca.location",),
    "ssl.keystore.location": ("ssl.certificate.location", "ssl.key.location"),
}
PEM_TEXTS: Final = {
    "ssl.truststore.certificates": "ssl.ca.pem",
    "ssl.keystore.certificate.chain": "ssl.certificate.pem",
    "ssl.keystore.key": "ssl.key.pem",
}
OF_JAVA_ALONE: Final = frozenset(
    {
        *("key.serializer", "value.serializer", "key.deserializer", "value.deserializer"),
        *("sasl.login.callback.handler.class", "sasl.client.callback.handler.class"),
        *("ssl.truststore.type", "ssl.keystore.type", "ssl.protocol", "client.dns.lookup"),
    }
)
"""Settings that say nothing to librdkafka, or nothing that others do not say too."""
HANDLER: Final = "sasl.login.callback.handler.class"


def translated(settings: Mapping[str, str]) -> dict[str, str]:
    """Return settings under librdkafka's names; those it shares with Java's clients stay as they are.

    Stores of certificates must be PEM, or PKCS #12 for our own. Raises SetupError for those of Java's own
    kind, and for a login module that is not known.
    """
    found = {name: value for name, value in settings.items() if name not in OF_JAVA_ALONE}
    for store, names in PEM_FILES.items():
        kind = settings.get(store.replace("location", "type"), "JKS").upper()
        if store not in found or (kind == "PKCS12" and store == "ssl.keystore.location"):
            continue
        if kind != "PEM":
            others = " or PKCS12" if store == "ssl.keystore.location" else ""
            raise SetupError(f"Kafka setting `{store}` must be a file of the type PEM{others}; it is {kind}")
        found |= dict.fromkeys(names, found.pop(store))
    for java, name in PEM_TEXTS.items():
        if java in found:
            found[name] = found.pop(java)
    if not found.get("ssl.endpoint.identification.algorithm", "https"):
        found["ssl.endpoint.identification.algorithm"] = "none"
    if settings.get(HANDLER, "").endswith(".OAuthBearerLoginCallbackHandler"):
        found.setdefault("sasl.oauthbearer.method", "oidc")
    return _login(found.pop(JAAS, None)) | found


def _login(jaas: str | None) -> dict[str, str]:
    if jaas is None:
        return {}
    module = MODULE.fullmatch(jaas)
    if module is None or module[1] not in OPTIONS:
        known = ", ".join(OPTIONS)
        raise SetupError(
            f"Kafka setting `{JAAS}` must be `MODULE required ...;` with one of {known}; it is not"
        )
    names, given = OPTIONS[module[1]], OPTION.findall(module[2])
    return {
        names[option]: re.sub(r"\\(.)", r"\1", quoted) if quoted else plain
        for option, quoted, plain in given
        if option in names
    }
