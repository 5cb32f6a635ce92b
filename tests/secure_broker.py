"""Apache Kafka that lets nobody in without TLS and a login, beside a listener of its own for the tests."""

from pathlib import Path

from flows.kafka.broker_process import HOST, free_port
from tests.brokers import ApacheBroker
from tests.certificates import Authority

USER, PASSWORD = "worker", "a-secret-of-the-worker"


class SecureBroker(ApacheBroker):
    """A node that also listens as ``mutual``, to clients with a certificate, and as ``login``: SCRAM, tokens.

    Tokens are believed without a signature.
    """

    format_options = ("-S", f"SCRAM-SHA-512=[name={USER},password={PASSWORD}]")

    def __init__(self, directory: Path) -> None:
        directory.mkdir()
        self.authority = Authority(directory)
        self.client = self.authority.issue("client")
        self._ports = {"mutual": free_port(), "login": free_port()}
        super().__init__(directory=directory)

    def at(self, listener: str) -> str:
        """Where clients of a listener connect, as HOST:PORT."""
        return f"{HOST}:{self._ports[listener]}"

    def settings(self) -> dict[str, str]:
        """The settings of the node."""
        given = super().settings()
        own = ",".join(f"{name.upper()}://{self.at(name)}" for name in self._ports)
        login = "listener.name.login"
        modules = "org.apache.kafka.common.security"
        return given | {
            "listeners": f"{given['listeners']},{own}",
            "advertised.listeners": f"{given['advertised.listeners']},{own}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,"
            "MUTUAL:SSL,LOGIN:SASL_SSL",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(self.authority.issue("broker")),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(self.authority.certificate),
            "listener.name.mutual.ssl.client.auth": "required",
            "sasl.enabled.mechanisms": "SCRAM-SHA-512,OAUTHBEARER",
            f"{login}.scram-sha-512.sasl.jaas.config": f"{modules}.scram.ScramLoginModule required;",
            f"{login}.oauthbearer.sasl.jaas.config": f"{modules}.oauthbearer.OAuthBearerLoginModule required "
            'unsecuredLoginStringClaim_sub="broker";',
        }
