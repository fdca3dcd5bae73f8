"""How a worker's certificate is trusted: that very one, or those of one authority, or the system's.

A pin is the whole certificate (base64 of its DER, one line), because a context can have nothing
less for its anchor. A context with a pin trusts no other anchor and asks for no name: the pin is
the name. OpenSSL would also accept what a pinned certificate had signed for others, so the one that
is shown is compared once more, inside the handshake: nothing was sent by then but the handshake.
"""

from __future__ import annotations

import base64
import binascii
import ssl
from pathlib import Path
from typing import Self

MAX_PIN = 8192
"""Characters of a pin: ours have some 500, an RSA certificate with many names a few thousand."""


class _PinnedSocket(ssl.SSLSocket):
    """A connection that ends where the peer's certificate is another."""

    def do_handshake(self, block: bool = False) -> None:
        super().do_handshake(block)
        context = self.context
        shown = self.getpeercert(binary_form=True)
        if not isinstance(context, PinnedContext) or shown != context.pin:
            raise ssl.SSLCertVerificationError("the certificate is not the pinned one")


class PinnedContext(ssl.SSLContext):
    """A context that trusts one certificate.

    Make one with `PinnedContext.to`.
    """

    pin: bytes
    sslsocket_class = _PinnedSocket

    @classmethod
    def to(cls, pin: bytes) -> Self:
        """Return the context for a certificate in DER.

        Raises
        ------
        ssl.SSLError
            If it is no certificate.
        """
        context = cls(ssl.PROTOCOL_TLS_CLIENT)
        context.pin = pin
        context.check_hostname = False  # the pin is the name
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # a signed one is an anchor too
        context.load_verify_locations(cadata=pin)
        return context


def parse_pin(text: str) -> bytes:
    """Return the certificate in DER.

    Raises
    ------
    ValueError
        If it is none; the message says what is wanted.
    """
    wanted = "must be the one line that `worker --tls` prints: the whole certificate in base64"
    try:
        der = base64.b64decode(text, validate=True)
        if not der or len(text) > MAX_PIN:
            raise ValueError(wanted)
        PinnedContext.to(der)
    except (binascii.Error, ssl.SSLError, ValueError):
        raise ValueError(wanted) from None
    return der


def check_pin(text: str) -> str:
    """Return a pin as it was written, if it is one; see `parse_pin`."""
    parse_pin(text)
    return text


def authority_context(path: Path) -> ssl.SSLContext:
    """Return the context that trusts what the certificates of a PEM file have signed.

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
    """Return what a connection is to trust; None: what this system trusts."""
    if certificate is not None:
        return PinnedContext.to(parse_pin(certificate))
    return authority_context(authority) if authority is not None else None
