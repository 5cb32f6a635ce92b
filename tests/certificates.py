"""Certificates that tests make: an authority of their own, and what it signs."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

DAY = timedelta(days=1)


class Authority:
    """A certificate authority; ``certificate`` is the file that who trusts it is given."""

    def __init__(self, directory: Path, name: str = "authority") -> None:
        self._directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named(name)
        ca = x509.BasicConstraints(ca=True, path_length=0)
        self.certificate = self._written(
            name, _signed(self._name, self._name, self._key, by=self._key, extensions=[ca])
        )

    def issue(self, name: str, *, address: str = "127.0.0.1", until: datetime | None = None) -> Path:
        """The file of a certificate for a name and an IP address, and of its key, in PKCS #8."""
        key = ec.generate_private_key(ec.SECP256R1())
        hosts = x509.SubjectAlternativeName([x509.DNSName(name), x509.IPAddress(ip_address(address))])
        signed = _signed(_named(name), self._name, key, by=self._key, extensions=[hosts], until=until)
        return self._written(name, signed, key)

    def _written(self, name: str, certificate: x509.Certificate, key=None) -> Path:
        path = self._directory / f"{name}.pem"
        of_key = b"" if key is None else key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        path.write_bytes(certificate.public_bytes(Encoding.PEM) + of_key)
        return path


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _signed(subject, issuer, key, *, by, extensions, until=None) -> x509.Certificate:
    now = datetime.now(UTC)
    end = now + DAY if until is None else until
    draft = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    draft = draft.serial_number(x509.random_serial_number()).not_valid_before(min(now, end) - DAY)
    draft = draft.not_valid_after(end)
    for extension in extensions:
        draft = draft.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
    return draft.sign(by, hashes.SHA256())
