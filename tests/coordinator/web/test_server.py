"""The server of a live page, over real sockets of loopback."""

from __future__ import annotations

import http.client
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from coordinator.errors import InputError
from coordinator.report.html import Html
from coordinator.web import server
from coordinator.web.document import POLICY
from coordinator.web.server import live_page
from tests.support.coordinators import wait_until


class Counting:
    """A page with one part that is always another, and one that stays."""

    title = "a <title>"

    def __init__(self, size: int = 1) -> None:
        self.drawn, self.closed, self._size = 0, threading.Event(), size

    def take_in(self) -> None:
        pass

    def parts(self, now: float) -> dict[str, Html]:  # noqa: ARG002
        self.drawn += 1
        return {"log": Html("stays"), "count": Html(f"{self.drawn}" * self._size)}

    def close(self) -> None:
        self.closed.set()


def ask(port: int, path: str, **headers: str) -> tuple[http.client.HTTPResponse, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    try:
        return answer, answer.read().decode()
    finally:
        connection.close()


@contextmanager
def opened(page: Counting) -> Iterator[tuple[int, str]]:
    """Serve a page and use its link; yield the port and the cookie."""
    with live_page(page) as link:
        port, path = parts_of(link)
        answer, _ = ask(port, path)
        yield port, (answer.getheader("Set-Cookie") or "").partition(";")[0]


def parts_of(link: str) -> tuple[int, str]:
    found = re.fullmatch(r"http://127\.0\.0\.1:(\d+)(/open/[\w-]{43})", link)
    assert found is not None
    return int(found[1]), found[2]


def test_a_link_works_once() -> None:
    """It sets a cookie that no script and no other site gets, and is dead from then on."""
    with live_page(Counting()) as link:
        port, path = parts_of(link)
        assert ask(port, "/")[0].status == 403
        assert ask(port, "/open/guess")[0].status == 403
        assert ask(port, "/open/%ff", Cookie=f"tilefan-{port}=\xff")[0].status == 403
        answer, body = ask(port, path)
        assert answer.status == 200
        assert 'http-equiv="refresh" content="0;url=/"' in body
        cookie, *attributes = (answer.getheader("Set-Cookie") or "").split("; ")
        assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(attributes)
        again, why = ask(port, path)
        assert (again.status, again.getheader("Set-Cookie")) == (403, None)
        assert "works once" in why
        shown, page = ask(port, "/", Cookie=cookie)
        assert shown.status == 200
        assert "<title>a &lt;title&gt;</title>" in page
        assert ask(port, "/none", Cookie=cookie)[0].status == 404
        assert ask(port, "/", Cookie=f"{cookie}x")[0].status == 403


@pytest.mark.parametrize("path", ["/", "/page.css", "/page.js", "/events"])
def test_nothing_is_shown_without_the_cookie(path: str) -> None:
    """Nor to other names than loopback's: those that an attacker's DNS leads here."""
    with opened(Counting()) as (port, cookie):
        assert ask(port, path)[0].status == 403
        for host in ("evil.example", f"evil.example:{port}", "127.0.0.1.evil.example", ""):
            assert ask(port, path, Cookie=cookie, Host=host)[0].status == 403


def test_every_answer_has_the_policy() -> None:
    """Nothing from elsewhere is loaded, nothing is kept, and no other origin reads it."""
    with opened(Counting()) as (port, cookie):
        for path in ("/", "/page.css", "/page.js", "/open/guess"):
            answer, _ = ask(port, path, Cookie=cookie, Origin="http://evil.example")
            assert answer.getheader("Content-Security-Policy") == POLICY
            assert answer.getheader("Cache-Control") == "no-store"
            assert answer.getheader("Access-Control-Allow-Origin") is None
        tunnel, _ = ask(port, "/", Cookie=cookie, Host="localhost:9000")
        assert tunnel.status == 200


def test_a_stream_brings_what_changed_and_ends() -> None:
    """All parts at first, then those that differ; the end says so, after the last state."""
    page = Counting()
    heard: list[bytes] = []

    def listen(port: int, cookie: str) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("GET", "/events", headers={"Cookie": cookie})
        answer = connection.getresponse()
        assert answer.getheader("Content-Type") == "text/event-stream"
        heard.extend(answer)
        connection.close()

    with opened(page) as (port, cookie):
        thread = threading.Thread(target=listen, args=(port, cookie))
        thread.start()
        wait_until(lambda: len(heard) >= 4, "there are two states")
    thread.join(60)
    states = [json.loads(line[6:]) for line in heard if line.startswith(b"data: {")]
    assert set(states[0]) == {"log", "count"}
    assert all(set(state) == {"count"} for state in states[1:])
    assert states[-1]["count"] == f"{page.drawn}"
    assert heard[-3:] == [b"event: end\n", b"data:\n", b"\n"]
    assert page.closed.is_set()


def test_a_browser_that_takes_nothing_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its connection is cut; nobody else waits for it, and neither does the end."""
    monkeypatch.setattr(server, "SLOW_S", 0.3)
    page = Counting(size=4_000_000)
    with opened(page) as (port, cookie), socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect(("127.0.0.1", port))
        request = f"GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie}\r\n\r\n"
        slow.sendall(request.encode())
        wait_until(lambda: page.drawn > 1, "a state is sent")
        assert ask(port, "/page.js", Cookie=cookie)[0].status == 200
        wait_until(lambda: stands_still(page), "nobody looks, so nothing is drawn")
        slow.settimeout(60)
        with suppress(ConnectionResetError):
            while part := slow.recv(1 << 20):
                assert b"event: end" not in part


def stands_still(page: Counting) -> bool:
    """Tell whether nothing is drawn for some periods."""
    drawn = page.drawn
    time.sleep(3 * server.EVERY_S)
    return page.drawn == drawn


def test_connections_that_say_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Above a limit they are closed: each takes a file from the run. Then others come in again."""
    monkeypatch.setattr(server, "MOST_CONNECTIONS", 4)
    with opened(Counting()) as (port, cookie):
        silent = [socket.create_connection(("127.0.0.1", port), 60) for _ in range(40)]
        above = 40 - server.MOST_CONNECTIONS - server.MOST_WAITING
        wait_until(lambda: sum(map(is_closed, silent)) >= above, "those above the limit are closed")
        assert sum(map(is_closed, silent)) <= 40 - server.MOST_CONNECTIONS + 1
        for each in silent:
            each.close()
        wait_until(lambda: is_served(port, cookie), "there is room again")


def is_closed(connection: socket.socket) -> bool:
    """Tell whether the other side has ended a connection, on which it never says a word."""
    connection.setblocking(False)
    try:
        return connection.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False


def is_served(port: int, cookie: str) -> bool:
    try:
        return ask(port, "/", Cookie=cookie)[0].status == 200
    except (OSError, http.client.HTTPException):
        return False


def test_what_is_no_http_is_nobodys_news(caplog: pytest.LogCaptureFixture) -> None:
    """Any user of this machine may send it: no traceback of it comes to a terminal."""
    with opened(Counting()) as (port, _):
        for rest in (b"\xff HTTP/1.1", 9000 * b"a" + b" HTTP/1.1", b" HTTP/1.1\r\nCookie: \0"):
            with socket.create_connection(("127.0.0.1", port), 60) as stranger:
                stranger.sendall(b"GET /" + rest + b"\r\n\r\n")
                assert b" 400 " in stranger.recv(100)
    assert caplog.records == []


def test_a_port_that_is_taken() -> None:
    """It is a sentence that says what to do."""
    with (
        live_page(Counting()) as link,
        pytest.raises(InputError, match="Address already in use; name another with --web-port"),
        live_page(Counting(), parts_of(link)[0]),
    ):
        pass


def test_a_page_that_breaks_down_holds_up_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """The run goes on, and the page takes no more events."""

    class Broken(Counting):
        def take_in(self) -> None:
            raise ZeroDivisionError

    page = Broken()
    with live_page(page):
        assert page.closed.wait(60)
    assert "the live page broke down" in caplog.text
