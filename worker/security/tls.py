"""The worker's TLS certificate: from its owner, or self-signed on first use and pinned.

A self-signed one does not expire: the coordinator's hosts.toml pins the certificate itself. Its key
and certificate are one file, readable by its owner only.
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
"""Expiry of a certificate that does not expire: RFC 5280, 4.1.2.5."""

EPOCH = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)
"""Begin of validity, before any node's clock, which may be wrong."""


@dataclass(frozen=True, slots=True)
class ServerCertificate:
    """A server's TLS context, and the pin of its certificate for hosts.toml.

    Parameters
    ----------
    context : ssl.SSLContext
        With certificate and key.
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
            If a file can't be read, others can read it, or certificate and key are no pair.
        """
        _check_private(key or certificate)
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


def own_certificate(path: Path | None = None) -> tuple[ServerCertificate, bool]:
    """Return the certificate of a file, made if there is none, and whether it was made.

    Parameters
    ----------
    path : Path, optional
        The user's own file unless given.

    Raises
    ------
    CertificateError
        If it can't be read or made.
    """
    path = path or platformdirs.user_config_path("tilefan") / FILE_NAME
    try:
        made = not path.exists() and write_once(path, make_pem())
    except OSError as error:
        raise CertificateError(f"{path}: can't be made: {error.strerror}") from None
    return ServerCertificate.load(path), made


def make_pem() -> str:
    """Return a new key with a self-signed certificate, in PEM."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

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


def _check_private(key: Path) -> None:
    """Refuse a key that others can read."""
    try:
        mode = key.stat().st_mode
    except OSError as error:
        raise CertificateError(f"{key}: can't be read: {error.strerror}") from None
    if mode & 0o077:
        raise CertificateError(f"{key}: others can read the key (mode {mode & 0o777:o}): chmod 600")


def _no_password() -> str:
    """Refuse to ask for a password: a worker runs unattended."""
    raise ValueError("the key is encrypted, and a worker can not ask for it")
