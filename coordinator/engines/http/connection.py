"""HTTP/1.1 over a blocking socket: one request, then one answer, in whatever thread asks.

An event loop would look at every piece that a socket takes or gives. A thread hands over the whole
body in one call, and has the answer written into place, while the interpreter is free for others.
"""

from __future__ import annotations

import http.client
import io
import select
import socket
import ssl
import time
from collections.abc import Mapping
from contextlib import suppress
from math import inf
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from coordinator.engines.http.network import TCP, Network

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

PIECE_BYTES = 2**20
"""Of a body, between two looks whether the answer is there already: then it is a refusal."""

IDLE_S = 10.0
"""A connection that rested for longer is not used again: its worker may be about to close it."""


class ConnectError(Exception):
    """There is no connection; the cause says why."""


class Stream:
    """A connected socket in the form that `http.client` uses; each transfer ends at a deadline.

    A socket's own timeout bounds each call, so that a peer that gives a byte now and then would
    never exceed it.

    Parameters
    ----------
    sock : socket.socket
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self.deadline = inf

    def sendall(self, data: ReadableBuffer) -> None:
        """Send all bytes; TimeoutError at the deadline."""
        self._bound()
        self._sock.sendall(data)

    def recv_into(self, buffer: WriteableBuffer) -> int:
        """Receive some bytes; TimeoutError at the deadline."""
        self._bound()
        return self._sock.recv_into(buffer)

    def makefile(self, _: str) -> io.BufferedReader:
        """Return the reader of an answer."""
        return io.BufferedReader(_Reader(self))

    def close(self) -> None:
        """Leave closing to the connection: the answer is not read yet when `http.client` asks."""

    def _bound(self) -> None:
        if self.deadline == inf:
            self._sock.settimeout(None)
            return
        left_s = self.deadline - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        self._sock.settimeout(left_s)


class _Reader(io.RawIOBase):
    """The bytes that a stream receives."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._stream.recv_into(buffer)


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
    network : Network
        Connects; TCP unless given.
    """

    def __init__(
        self,
        url: str,
        connect_timeout_s: float,
        tls: ssl.SSLContext | None = None,
        network: Network = TCP,
    ) -> None:
        parts = urlsplit(url)
        self.url = url
        self._secure = parts.scheme == "https"
        self._host = parts.hostname or ""
        self._port = parts.port or (443 if self._secure else 80)
        self._connect_timeout_s = connect_timeout_s
        self._tls = tls
        self._network = network
        self._http = http.client.HTTPConnection(self._host, self._port)
        self._response: http.client.HTTPResponse | None = None
        self._socket: socket.socket | None = None
        self._stream: Stream | None = None
        self.aborted = False
        self._whole = True
        self._rests_since = 0.0

    @property
    def usable(self) -> bool:
        """Whether another request can be sent: all was answered, and nothing followed."""
        if self._http.sock is None or self.aborted:
            return False
        rested_s = time.monotonic() - self._rests_since
        return rested_s < IDLE_S and not self.readable

    @property
    def is_local(self) -> bool:
        """Whether the other end is on this machine, by its address."""
        if self._socket is None:
            return False
        return bool(self._socket.getpeername()[:1] == self._socket.getsockname()[:1])

    @property
    def readable(self) -> bool:
        """Whether there is something to read, or the end of it."""
        if self._socket is None or self._socket.fileno() < 0:
            return True
        if isinstance(self._socket, ssl.SSLSocket) and self._socket.pending():
            return True
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        return bool(poll.poll(0))

    def fileno(self) -> int:
        """Return the socket's descriptor, to wait for an answer; -1 without a socket."""
        return -1 if self._socket is None else self._socket.fileno()

    def ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: memoryview,
        deadline: float = inf,
    ) -> None:
        """Send a request; stop where the answer comes before the whole body is sent.

        Parameters
        ----------
        method, path : str
        headers : mapping of str to str
        body : memoryview
        deadline : float
            On the monotonic clock, in seconds: when the exchange must be over.

        Raises
        ------
        ConnectError
            If there is nobody, or nobody to be trusted.
        TimeoutError
            At the deadline.
        OSError
            If the connection is lost before anything was sent, or nobody wants the answer any more.
        """
        if self.aborted:
            raise ConnectionAbortedError
        if self._http.sock is None or self._stream is None:
            self._stream = self._open(min(self._connect_timeout_s, deadline - time.monotonic()))
        self._stream.deadline = deadline
        self._http.putrequest(method, path, skip_accept_encoding=True)
        for name, value in headers.items():
            self._http.putheader(name, value)
        if body:
            self._http.putheader("Content-Length", str(len(body)))
        self._http.endheaders()
        with suppress(ConnectionError):  # whoever hangs up early may have said why
            self._whole = self._send(body)

    def _send(self, body: memoryview) -> bool:
        talks = not self._secure  # TLS itself may have something to say at any time
        for start in range(0, len(body), PIECE_BYTES):
            if talks and start and self.readable:
                return False
            self._http.sock.sendall(body[start : start + PIECE_BYTES])
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
        self.aborted = True
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection, and the answer that was being read."""
        if self._response is not None:
            self._response.close()
        self._http.close()
        if self._socket is not None:
            self._socket.close()

    def _open(self, timeout_s: float) -> Stream:
        try:
            self._socket = sock = self._network.connect(self._host, self._port, timeout_s)
            if self.aborted:
                raise ConnectionAbortedError
            if self._secure:
                sock.settimeout(timeout_s)
                context = self._tls or ssl.create_default_context()
                self._socket = sock = context.wrap_socket(sock, server_hostname=self._host)
            stream = Stream(sock)
            self._http.sock = cast("Any", stream)
        except (OSError, ValueError) as error:
            raise ConnectError(str(error)) from error
        return stream
