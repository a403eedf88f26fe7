"""Certificates that live for a test."""

import base64
import datetime
import hashlib
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class CertificatePair:
    """PEM files that belong together."""

    certificate: Path
    key: Path

    def trusting_context(self) -> ssl.SSLContext:
        """Give a client's context that trusts this certificate and no other."""
        return ssl.create_default_context(cafile=str(self.certificate))

    @property
    def chromium_argument(self) -> str:
        """Let a chromium take this key, whatever else is wrong with its certificate."""
        key = x509.load_pem_x509_certificate(self.certificate.read_bytes()).public_key()
        octets = key.public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        known = base64.b64encode(hashlib.sha256(octets).digest()).decode()
        return f"--ignore-certificate-errors-spki-list={known}"


def self_signed(
    host: str, directory: Path, validity: datetime.timedelta, *also: str
) -> CertificatePair:
    """Make a certificate of `host`, and of other names, that is its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + validity)
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name) for name in (host, *also)]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pair = CertificatePair(directory / f"{host}.crt", directory / f"{host}.key")
    pair.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    pair.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return pair
