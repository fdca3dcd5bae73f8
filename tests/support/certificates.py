"""Certificates for tests, and a server that shows one and writes down every byte it gets."""

from __future__ import annotations

import base64
import contextlib
import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

PEM = serialization.Encoding.PEM
NOW = datetime.datetime.now(datetime.UTC)


@dataclass(frozen=True)
class Issued:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pin(self) -> str:
        return base64.b64encode(self.certificate.public_bytes(serialization.Encoding.DER)).decode()

    def write(self, path: Path) -> Path:
        """Write key and certificate as one PEM file of its owner's."""
        secret = self.key.private_bytes(
            PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path.write_bytes(secret + self.certificate.public_bytes(PEM))
        path.chmod(0o600)
        return path

    def write_certificate(self, path: Path) -> Path:
        path.write_bytes(self.certificate.public_bytes(PEM))
        return path


def issue(name: str, by: Issued | None = None, *, authority: bool = False) -> Issued:
    """Make a certificate for 127.0.0.1, signed by another or by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by.certificate.subject if by else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - datetime.timedelta(days=1))
        .not_valid_after(NOW + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
    )
    return Issued(builder.sign(by.key if by else key, hashes.SHA256()), key)


@dataclass
class Recorder:
    """What reached a server: bytes as they came, and what they said once decrypted."""

    port: int
    raw: bytearray = field(default_factory=bytearray)
    said: bytearray = field(default_factory=bytearray)
    connections: int = 0


@contextlib.contextmanager
def recording(identity: Path) -> Iterator[Recorder]:
    """Serve TLS with a certificate, answer nothing, and write down what comes."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        recorder = Recorder(listener.getsockname()[1])
        thread = threading.Thread(target=_accept, args=(listener, context, recorder))
        thread.start()
        try:
            yield recorder
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def _accept(listener: socket.socket, context: ssl.SSLContext, recorder: Recorder) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            recorder.connections += 1
            _converse(connection, context, recorder)


def _converse(connection: socket.socket, context: ssl.SSLContext, recorder: Recorder) -> None:
    """Go through the handshake and beyond, until the other side goes away."""
    coming, going = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(coming, going, server_side=True)
    greeted = False
    while True:
        try:
            if not greeted:
                tls.do_handshake()
                greeted = True
            while data := tls.read():
                recorder.said += data
            return  # the other side said goodbye
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError:
            return
        with contextlib.suppress(OSError):
            connection.sendall(going.read())
        data = _received(connection)
        if not data:
            return
        recorder.raw += data
        coming.write(data)


def _received(connection: socket.socket) -> bytes:
    with contextlib.suppress(ConnectionError):
        return connection.recv(1 << 16)
    return b""
