"""The worker's certificate: its owner's own, or one made on first use and pinned by coordinators.

No authority vouches for the made one, and it never runs out: the coordinator's hosts.toml holds the
certificate itself, and who shows another is not believed. Key and certificate are one file, read by
its owner only.
"""

from __future__ import annotations

import base64
import datetime
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import platformdirs

from worker.errors import CertificateError
from worker.security.token_file import write_once

FILE_NAME = "worker.pem"
"""Name of the file in the user's configuration folder of `tilefan`."""

FOREVER = datetime.datetime(9999, 12, 31, 23, 59, 59, tzinfo=datetime.UTC)
"""RFC 5280, 4.1.2.5: the end of a certificate that has no end."""

EPOCH = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)
"""Before any node's clock: a wrong one must not make a certificate that is not valid yet."""

MISSING = (
    "--tls makes a certificate with the package cryptography: pip install 'tilefan[tls]', "
    "or bring your own with --tls-cert and --tls-key"
)


@dataclass(frozen=True, slots=True)
class Identity:
    """What a worker shows: a context to serve with, and the pin for hosts.toml.

    Parameters
    ----------
    context : ssl.SSLContext
    pin : str
        The certificate in base64 of its DER, on one line.
    """

    context: ssl.SSLContext
    pin: str

    @classmethod
    def load(cls, certificate: Path, key: Path | None = None) -> Self:
        """Read a certificate, with its chain, and its key, both in PEM.

        Raises
        ------
        CertificateError
            If a file can't be read, is exposed, or they are no pair.
        """
        _check_hidden(key or certificate)
        try:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key, password=_no_password)
            first = certificate.read_text("ascii", "replace").partition("-----BEGIN CERT")
            body = "-----BEGIN CERT" + first[2].partition("-----END CERTIFICATE-----")[0]
            der = ssl.PEM_cert_to_DER_cert(f"{body}-----END CERTIFICATE-----")
        except (ssl.SSLError, ValueError) as error:
            raise CertificateError(f"{certificate}: no certificate with its key: {error}") from None
        except OSError as error:
            raise CertificateError(f"{certificate}: can't be read: {error.strerror}") from None
        return cls(context, base64.b64encode(der).decode("ascii"))


def own_identity(path: Path | None = None) -> tuple[Identity, bool]:
    """Return the identity of a file, made if there is none, and whether it was made.

    Raises
    ------
    CertificateError
        If it can't be had.
    """
    path = path or platformdirs.user_config_path("tilefan") / FILE_NAME
    try:
        made = not path.exists() and write_once(path, make_pem())
    except OSError as error:
        raise CertificateError(f"{path}: can't be made: {error.strerror}") from None
    return Identity.load(path), made


def make_pem() -> str:
    """Return a new key and a certificate that it signed itself.

    Raises
    ------
    CertificateError
        If the package that makes them is not installed.
    """
    try:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec
    except ImportError:
        raise CertificateError(MISSING) from None
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "tilefan worker")])
    names = [x509.DNSName(each) for each in ("localhost", socket.gethostname())]
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    certificate = (
        builder.not_valid_before(EPOCH)
        .not_valid_after(FOREVER)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return (secret + certificate.public_bytes(pem)).decode("ascii")


def _check_hidden(key: Path) -> None:
    """Refuse a key that others can read."""
    try:
        mode = key.stat().st_mode
    except OSError as error:
        raise CertificateError(f"{key}: can't be read: {error.strerror}") from None
    if mode & 0o077:
        raise CertificateError(f"{key}: others can read the key (mode {mode & 0o777:o}): chmod 600")


def _no_password() -> str:
    """Refuse to ask: a worker has nobody before it."""
    raise ValueError("the key is encrypted, and there is nobody to ask")
