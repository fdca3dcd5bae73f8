"""Trust in a worker's certificate: one pinned certificate, one authority, or the system's store.

A pin is the whole certificate (base64 of its DER, one line), because a trust anchor of a context
has to be a certificate. A context with a pin has no other anchor and does not check the host name:
the pin identifies the worker. OpenSSL would also accept certificates that the pinned one signed, so
the peer's certificate is compared with the pin inside the handshake, before any data is sent.
"""

from __future__ import annotations

import base64
import binascii
import ssl
from pathlib import Path
from typing import Self

MAX_PIN = 8192
"""Characters of a pin: a worker's own has some 500, RSA with many names a few thousand."""


class _PinnedSocket(ssl.SSLSocket):
    """A socket whose handshake fails if the peer's certificate is not the pin."""

    def do_handshake(self, block: bool = False) -> None:
        super().do_handshake(block)
        context = self.context
        certificate = self.getpeercert(binary_form=True)
        if not isinstance(context, PinnedContext) or certificate != context.pin:
            raise ssl.SSLCertVerificationError("the certificate is not the pinned one")


class PinnedContext(ssl.SSLContext):
    """A client's TLS context that trusts one certificate; made by `for_certificate`."""

    pin: bytes
    sslsocket_class = _PinnedSocket

    @classmethod
    def for_certificate(cls, pin: bytes) -> Self:
        """Return the context that trusts a certificate in DER.

        Raises
        ------
        ssl.SSLError
            If it is no certificate.
        """
        context = cls(ssl.PROTOCOL_TLS_CLIENT)
        context.pin = pin
        context.check_hostname = False  # the pin identifies the worker
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # also if an authority signed it
        context.load_verify_locations(cadata=pin)
        return context


def parse_pin(text: str) -> bytes:
    """Return a pin's certificate in DER.

    Parameters
    ----------
    text : str
        Base64 of the certificate's DER.

    Raises
    ------
    ValueError
        If it is no certificate; the message says what a pin is.
    """
    error = "must be the one line that `worker --tls` prints: the whole certificate in base64"
    try:
        der = base64.b64decode(text, validate=True)
        if not der or len(text) > MAX_PIN:
            raise ValueError(error)
        PinnedContext.for_certificate(der)
    except (binascii.Error, ssl.SSLError, ValueError):
        raise ValueError(error) from None
    return der


def check_pin(text: str) -> str:
    """Return a pin unchanged if it is a certificate.

    Raises
    ------
    ValueError
        As `parse_pin` does.
    """
    parse_pin(text)
    return text


def whoever_answers() -> ssl.SSLContext:
    """Return a context that trusts anybody: for pairing, where the code proves who it is."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def authority_context(path: Path) -> ssl.SSLContext:
    """Return the context that trusts the authorities of a PEM file.

    Raises
    ------
    ValueError
        If the file can't be read or holds no certificate.
    """
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cafile=path)
    except ssl.SSLError:
        raise ValueError(f"{path} holds no certificate in PEM") from None
    except OSError as error:
        raise ValueError(f"{path} can't be read: {error.strerror}") from None
    return context


def tls_context(certificate: str | None, authority: Path | None) -> ssl.SSLContext | None:
    """Return the TLS context of a host; None stands for the system's store.

    Parameters
    ----------
    certificate : str, optional
        Pin: base64 of the certificate's DER.
    authority : Path, optional
        PEM file with authorities; ignored beside a pin.

    Raises
    ------
    ValueError
        If the certificate is none, or the file can't be read or holds none.
    """
    if certificate is not None:
        return PinnedContext.for_certificate(parse_pin(certificate))
    return authority_context(authority) if authority is not None else None
