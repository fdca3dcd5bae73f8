"""Blocking connections and their session: what is refused early, broken off, or left behind."""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from coordinator.engines.http.connection import IDLE_S, PIECE_BYTES, ConnectError, Connection
from coordinator.engines.http.pool import ConnectionPool

BODY = memoryview(bytes(64 * PIECE_BYTES))
"""More than the buffers of any socket hold."""

FINE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
BUSY = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"


@contextlib.contextmanager
def serving(serve: Callable[[socket.socket], None]) -> Iterator[str]:
    """Serve connections one after another, in a thread; yield the URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def run() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection:
                        serve(connection)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def answer_small_requests(connection: socket.socket) -> None:
    while connection.recv(2**16):
        connection.sendall(FINE)


def get(connection: Connection) -> bytes:
    connection.ask("GET", "/", {}, memoryview(b""))
    return connection.answer().read()


def test_a_connection_carries_one_exchange_after_another() -> None:
    """What was answered in full leaves a connection that can be used again."""
    accepted = []

    def serve(connection: socket.socket) -> None:
        accepted.append(connection)
        answer_small_requests(connection)

    with serving(serve) as url, closing(ConnectionPool(5.0, {})) as pool:
        for _ in range(3):
            connection = pool.take(url, None)
            assert get(connection) == b"ok"
            pool.give_back(connection)
    assert len(accepted) == 1


def test_an_early_refusal_stops_the_sending() -> None:
    """Whoever answers before the body is there is heard, and spared the rest of it."""
    received = []

    def refuse(connection: socket.socket) -> None:
        received.append(len(connection.recv(2**16)))
        connection.sendall(BUSY)
        while count := len(connection.recv(2**20)):
            received.append(count)

    with serving(refuse) as url:
        connection = Connection(url, 5.0)
        connection.ask("POST", "/", {}, BODY)
        assert connection.answer().status == 503
        connection.rest()
        assert not connection.usable
    assert sum(received) < len(BODY)


def test_a_refusal_is_heard_though_the_peer_hung_up() -> None:
    """An answer that came before the connection was closed is not lost with it."""

    def refuse(connection: socket.socket) -> None:
        connection.recv(2**16)
        connection.sendall(BUSY)

    with serving(refuse) as url:
        connection = Connection(url, 5.0)
        connection.ask("POST", "/", {}, BODY[:PIECE_BYTES])
        assert connection.answer().status == 503
        connection.close()


@pytest.mark.parametrize("body", [BODY, BODY[:0]], ids=["sending", "waiting"])
def test_what_is_aborted_ends_in_its_thread_too(body: memoryview) -> None:
    """A peer that neither reads nor answers holds no thread once nobody waits for it."""
    reached, over = threading.Event(), threading.Event()

    def ignore(peer: socket.socket) -> None:
        peer.recv(1)
        reached.set()
        over.wait(60)

    def exchange() -> None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection.ask("POST", "/", {}, body)
            connection.answer()
        connection.close()

    with serving(ignore) as url:
        connection = Connection(url, 5.0)
        thread = threading.Thread(target=exchange)
        thread.start()
        assert reached.wait(60)
        connection.abort()
        thread.join(60)
        assert not thread.is_alive()
        over.set()


@pytest.mark.parametrize("given", [b"", FINE[:40]], ids=["silent", "a piece now and then"])
def test_an_exchange_ends_at_its_deadline(given: bytes) -> None:
    """A byte now and then does not put it off."""
    over = threading.Event()

    def trickle(peer: socket.socket) -> None:
        with contextlib.suppress(OSError):
            for byte in given:
                if over.wait(0.05):
                    return
                peer.sendall(bytes([byte]))
            over.wait(60)

    with serving(trickle) as url:
        connection = Connection(url, 5.0)
        connection.ask("GET", "/", {}, BODY[:0], time.monotonic() + 0.2)
        with pytest.raises(TimeoutError):
            connection.answer()
        connection.close()
        over.set()


def test_what_follows_an_answer_ends_the_connection() -> None:
    """Bytes that nobody asked for are not the next answer."""

    def babble(connection: socket.socket) -> None:
        connection.recv(2**16)
        connection.sendall(FINE + bytes(2**16))
        said.set()
        connection.recv(1)

    said = threading.Event()
    with serving(babble) as url:
        connection = Connection(url, 5.0)
        with contextlib.closing(connection):
            assert get(connection) == b"ok"
            connection.rest()
            assert said.wait(60)
            assert not connection.usable


def test_an_answer_that_is_not_read_is_closed() -> None:
    """A peer that wants to end the connection sees its end, though nobody read the answer."""

    def part(connection: socket.socket) -> None:
        connection.recv(2**16)
        connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 9\r\n\r\n")
        assert connection.recv(1) == b""
        ended.set()

    ended = threading.Event()
    with serving(part) as url:
        connection = Connection(url, 5.0)
        connection.ask("GET", "/", {}, BODY[:0])
        answer = connection.answer()
        connection.close()
        assert ended.wait(60)
        assert answer.closed


def test_a_connection_that_rested_too_long_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker may be about to close it."""
    with serving(answer_small_requests) as url:
        connection = Connection(url, 5.0)
        with contextlib.closing(connection):
            get(connection)
            connection.rest()
            assert connection.usable
            later = time.monotonic() + IDLE_S
            monkeypatch.setattr("coordinator.engines.http.connection.time.monotonic", lambda: later)
            assert not connection.usable


def test_what_is_cancelled_before_its_turn_connects_to_nobody() -> None:
    """A thread that waited to send learns that nobody wants the answer any more."""
    accepted: list[socket.socket] = []
    with serving(accepted.append) as url:
        connection = Connection(url, 5.0)
        connection.abort()
        with pytest.raises(ConnectionAbortedError):
            get(connection)
    assert not accepted


def test_nobody_there() -> None:
    """A port that nobody listens on says so through the cause."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(ConnectError) as caught:
        get(Connection(f"http://127.0.0.1:{port}", 5.0))
    assert isinstance(caught.value.__cause__, ConnectionRefusedError)
