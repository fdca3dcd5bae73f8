"""HTTP/1.1 over a blocking socket: one question, then one answer, in whatever thread asks.

An event loop would look at every piece that a socket takes or gives. A thread hands over the whole
body in one call, and has the answer written into place, while the interpreter is free for others.
"""

from __future__ import annotations

import http.client
import select
import socket
import ssl
import time
from collections.abc import Mapping
from contextlib import suppress
from urllib.parse import urlsplit

PIECE_BYTES = 2**20
"""Of a body, between two looks whether the answer is there already: then it is a refusal."""

IDLE_S = 10.0
"""A connection that rested for longer is not used again: its worker may be about to close it."""


class ConnectError(Exception):
    """There is no connection; the cause says why."""


class Connection:
    """One connection to a worker, opened on first use.

    Parameters
    ----------
    url : str
        ``http://host:port`` or ``https://host:port``.
    connect_timeout_s : float
        Longest wait for a connection, and for its handshake.
    tls : ssl.SSLContext, optional
        Whom to trust; what this system trusts unless given.
    """

    def __init__(
        self, url: str, connect_timeout_s: float, tls: ssl.SSLContext | None = None
    ) -> None:
        parts = urlsplit(url)
        self._secure = parts.scheme == "https"
        self._host = parts.hostname or ""
        self._port = parts.port or (443 if self._secure else 80)
        self._connect_timeout_s = connect_timeout_s
        self._tls = tls
        self._http = http.client.HTTPConnection(self._host, self._port)
        self._response: http.client.HTTPResponse | None = None
        self._socket: socket.socket | None = None
        self._aborted = False
        self._whole = True
        self._rests_since = 0.0

    @property
    def usable(self) -> bool:
        """Whether another question can be asked: everything was answered, and nothing followed."""
        if self._http.sock is None or self._aborted:
            return False
        rested_s = time.monotonic() - self._rests_since
        return rested_s < IDLE_S and not _readable(self._http.sock)

    def ask(self, method: str, path: str, headers: Mapping[str, str], body: memoryview) -> None:
        """Send a request; stop where the answer comes before the whole body is sent.

        Raises
        ------
        ConnectError
            If there is nobody, or nobody to be trusted.
        OSError
            If the connection is lost before anything was sent, or nobody wants the answer any more.
        """
        if self._aborted:
            raise ConnectionAbortedError
        if self._http.sock is None:
            self._open()
        self._http.putrequest(method, path, skip_accept_encoding=True)
        for name, value in headers.items():
            self._http.putheader(name, value)
        if body:
            self._http.putheader("Content-Length", str(len(body)))
        self._http.endheaders()
        with suppress(ConnectionError):  # whoever hangs up early may have said why
            self._whole = self._send(body)

    def _send(self, body: memoryview) -> bool:
        sock = self._http.sock
        talks = not self._secure  # TLS itself may have something to say at any time
        for start in range(0, len(body), PIECE_BYTES):
            if talks and start and _readable(sock):
                return False
            sock.sendall(body[start : start + PIECE_BYTES])
        return True

    def answer(self) -> http.client.HTTPResponse:
        """Wait for the status line and the headers of the answer.

        Raises
        ------
        http.client.HTTPException, OSError
            If there is no answer, or it is not HTTP.
        """
        self._response = self._http.getresponse()
        return self._response

    def rest(self) -> None:
        """Take note that the answer was read."""
        self._rests_since = time.monotonic()
        if not self._whole:
            self.close()

    def abort(self) -> None:
        """End what another thread does with this connection; that thread then closes it."""
        self._aborted = True
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection; one that the peer wants to end belongs to the response by now."""
        if self._response is not None:
            self._response.close()
        self._http.close()
        if self._socket is not None:
            self._socket.close()

    def _open(self) -> None:
        try:
            plain = self._reach()
            self._http.sock = self._secured(plain) if self._secure else plain
            self._http.sock.settimeout(None)
        except (OSError, ValueError) as error:
            raise ConnectError(str(error)) from error

    def _reach(self) -> socket.socket:
        """Connect to the first of the host's addresses that takes us."""
        trouble = OSError("no address")
        found = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        for family, kind, protocol, _, address in found:
            self._socket = sock = socket.socket(family, kind, protocol)
            try:
                sock.settimeout(self._connect_timeout_s)
                sock.connect(address)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if not self._aborted:
                    return sock
            except OSError as error:
                trouble = error
            sock.close()
        raise trouble

    def _secured(self, plain: socket.socket) -> ssl.SSLSocket:
        context = self._tls or ssl.create_default_context()
        self._socket = sock = context.wrap_socket(plain, server_hostname=self._host)
        return sock


def _readable(sock: socket.socket) -> bool:
    """Tell whether there is something to read, or the end of it."""
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))
