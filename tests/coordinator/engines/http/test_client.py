"""One worker's answers, honest and not, over a network of socket pairs."""

from __future__ import annotations

import errno
import json
import socket
import threading
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from coordinator.engines.http.buffers import Buffers
from coordinator.engines.http.client import Client
from coordinator.engines.http.connection import Connection
from coordinator.engines.http.exchange import Answered
from coordinator.engines.http.network import TCP, Network
from coordinator.engines.http.refusal import MAX_JSON_BYTES, Refusal, UnknownJobError
from coordinator.engines.http.session import Session
from coordinator.events import FailureKind
from coordinator.hosts.codec import Codec
from coordinator.hosts.hosts_file import parse_hosts
from coordinator.hosts.token import Credential
from tests.support.fake_network import (
    CopyingWorkers,
    FakeNetwork,
    Handler,
    HangUpError,
    answer,
    json_answer,
)
from tiling.filters import gaussian_filter
from tiling.geometry.box import Box
from tiling.jobs.job import Job
from tiling.protocol.forms import ACCEPT, CODEC
from tiling.protocol.token import Token
from tiling.protocol.wire import DIGEST, PROTOCOL, SPENT, Question

BLOCK = np.arange(12, dtype=np.int32).reshape(3, 4)
COPY = Job(2, (gaussian_filter(2, BLOCK.dtype, 0),))
CREDENTIAL = Credential(Path("token"), Token.from_file(b"0123456789abcdef" * 4, 0o600))


OPEN: list[Session] = []


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    while OPEN:
        OPEN.pop().close()


def client_of(network: Network, greeting_s: float = 5.0, codec: Codec = "auto") -> Client:
    config = parse_hosts(["node1:8080"]).with_codec(codec)
    OPEN.append(Session(config, CREDENTIAL, greeting_s, network))
    return OPEN[-1].clients["node1:8080"]


def over(handler: Handler) -> Client:
    return client_of(FakeNetwork(handler))


def send(client: Client) -> Answered:
    question = Question(COPY.digest, 0, BLOCK.dtype, BLOCK.shape, Box.whole(BLOCK.shape))
    return client.filter(question, lambda: BLOCK.data.cast("B"), BLOCK.dtype, Buffers())


def refusal_of(client: Client, ask: Callable[[Client], Any] = Client.health) -> Refusal:
    with pytest.raises(Refusal) as caught:
        ask(client)
    return caught.value


def test_a_tile_there_and_back() -> None:
    """The answer's bytes, over one connection for all requests, each with the token."""
    network = FakeNetwork(CopyingWorkers(slots=3))
    client = client_of(network)
    ready = client.admit(COPY)
    assert (ready.worker, ready.slots) == ("node1:8080", 3)
    assert bytes(send(client).body) == BLOCK.tobytes()
    assert network.connections == ["node1:8080"]
    assert {request.headers["Authorization"] for request in network.requests} == {
        CREDENTIAL.headers["Authorization"]
    }


@pytest.mark.parametrize(
    ("answered", "kind", "words"),
    [
        (answer(401), FailureKind.REFUSED, "token"),
        (answer(429), FailureKind.REFUSED, "token"),
        (json_answer({"detail": "full\x1b[2J"}, 503), FailureKind.BUSY, "HTTP 503: full"),
        (answer(500), FailureKind.BROKEN, "HTTP 500"),
        (answer(418), FailureKind.REFUSED, "HTTP 418"),
        (json_answer({"protocol": PROTOCOL + 1}), FailureKind.REFUSED, "there an unknown version"),
        (
            json_answer({"protocol": PROTOCOL + 1, "version": "9.9\x1b"}),
            FailureKind.REFUSED,
            f"install the same version on both: this {version('tilefan')}, there 9.9?",
        ),
        (json_answer({"protocol": "\x1b"}), FailureKind.REFUSED, "is no tilefan worker"),
        (json_answer([1]), FailureKind.REFUSED, "protocol"),
        (answer(200, b"hello"), FailureKind.REFUSED, "not JSON"),
        (answer(200, b"[" * 10**5), FailureKind.REFUSED, "not JSON"),
        (answer(200, b" " * MAX_JSON_BYTES + b"{}"), FailureKind.REFUSED, "not JSON"),
        (b"SSH-2.0-OpenSSH\r\n", FailureKind.CORRUPT, "does not answer in HTTP"),
        (b"", FailureKind.BROKEN, "closed the connection"),
    ],
    ids=lambda value: value[:20].decode() if isinstance(value, bytes) else None,
)
def test_a_greeting_that_is_refused(answered: bytes, kind: FailureKind, words: str) -> None:
    """Each has its kind, and a sentence without control characters."""
    refusal = refusal_of(over(lambda _: answered))
    assert refusal.kind is kind
    assert words in refusal.reason
    assert refusal.reason.isprintable()
    assert refusal.untrusted == (answered in (answer(401), answer(429)))


def test_a_busy_worker_says_for_how_long() -> None:
    """And nothing absurd is believed."""
    pauses = {"7": 7.0, "nan": None, "-1": None, "9" * 400: None}
    for text, pause_s in pauses.items():
        busy = answer(503, Retry_After=text)
        assert refusal_of(over(lambda _, busy=busy: busy)).retry_after_s == pause_s


@pytest.mark.parametrize("slots", [0, -1, 2.5, "4", None, 10**9])
def test_absurd_numbers_of_slots(slots: object) -> None:
    """A worker that offers them is not used."""
    workers = CopyingWorkers(health={"slots": slots})
    assert "slots" in refusal_of(over(workers), lambda client: client.admit(COPY)).reason


def tampered(**changes: Any) -> Handler:
    """Return workers that answer tiles with other headers, or a cut or longer body."""
    honest = CopyingWorkers()

    def handle(request: Any) -> bytes:
        answered = honest(request)
        if request.path != "/v1/tiles":
            return answered
        head, _, body = answered.partition(b"\r\n\r\n")
        lines = [line for line in head.decode().split("\r\n") if line.split(":")[0] not in changes]
        lines += [f"{k}: {v}" for k, v in changes.items() if k not in ("cut", "flip")]
        if changes.get("flip"):
            body = bytes([body[0] ^ 1]) + body[1:]
        cut = changes.get("cut", len(body))
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body[:cut] + b"?" * (cut - len(body))

    return handle


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"flip": True}, FailureKind.CORRUPT),
        ({DIGEST: "0" * 32}, FailureKind.CORRUPT),
        ({"Content-Length": str(10**15)}, FailureKind.CORRUPT),
        ({"Content-Length": "47", "cut": 47}, FailureKind.CORRUPT),
    ],
    ids=str,
)
def test_an_answer_that_is_not_the_one(changes: dict[str, Any], kind: FailureKind) -> None:
    """Other bytes, another digest, another length: no memory is taken for what was not asked."""
    client = over(tampered(**changes))
    client.admit(COPY)
    assert refusal_of(client, send).kind is kind


@pytest.mark.parametrize("local", [True, False])
def test_links_to_other_machines_are_measured(local: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """By what is left of an exchange when the worker's own time is taken off; this one is fast."""
    client = over(tampered(**{SPENT: "0,1"}))
    client.admit(COPY)
    monkeypatch.setattr(Connection, "is_local", local)
    send(client)
    speeds = client._link.there.bytes_per_s, client._link.back.bytes_per_s
    assert all(speed is None if local else speed for speed in speeds)


SMALL = BLOCK.astype("u1").tobytes()


def test_what_both_ends_have_travels_smaller() -> None:
    """A block of small numbers is sent as bytes, answered as bytes, and whole in the end."""
    network = FakeNetwork(CopyingWorkers(codecs=("narrow", "later")))
    client = client_of(network)
    client.admit(COPY)
    answered = send(client)
    assert bytes(answered.body) == BLOCK.tobytes()
    assert answered.wire_bytes == 2 * len(SMALL)
    request = network.requests[-1]
    assert (request.headers[CODEC], request.headers[ACCEPT]) == ("narrow-u1", "narrow")
    assert request.body == SMALL


@pytest.mark.parametrize("codec", ["auto", "none"])
def test_who_announces_nothing_is_sent_what_it_knows(codec: Codec) -> None:
    """A worker that is older than forms, or anyone if the user wants so: plain blocks both ways."""
    network = FakeNetwork(CopyingWorkers(codecs=("narrow",) if codec == "none" else ()))
    client = client_of(network, codec=codec)
    client.admit(COPY)
    assert send(client).wire_bytes == 2 * BLOCK.nbytes
    assert not {CODEC, ACCEPT} & set(network.requests[-1].headers)


@pytest.mark.parametrize("said", [None, "narrow", {"narrow": 1}, [["narrow"]], [1, None], 7])
def test_absurd_announcements(said: object) -> None:
    """They announce nothing."""
    network = FakeNetwork(CopyingWorkers(health={"codecs": said}))
    client = client_of(network)
    client.admit(COPY)
    assert send(client).wire_bytes == 2 * BLOCK.nbytes


@pytest.mark.parametrize(
    ("codec", "body"),
    [
        ("narrow-u1", SMALL[:-1]),
        ("narrow-u1", SMALL + b"?"),
        ("narrow-u1", bytes([99]) + SMALL[1:]),
        ("narrow-i1", BLOCK.tobytes()),
        ("narrow-u2", SMALL),
        ("narrow-u4", BLOCK.tobytes()),
        ("narrow-u8", BLOCK.tobytes() * 2),
        ("narrow", SMALL),
        ("lz4", SMALL),
        ("narrow-u1+zstd", SMALL[:-1]),
        ("gzip", SMALL),
        ("", SMALL),
    ],
    ids=str,
)
def test_a_wrong_form_of_an_answer(codec: str, body: bytes) -> None:
    """Names that were not accepted, lengths that can't be, samples of another block."""
    honest = CopyingWorkers(codecs=("narrow",))

    def handle(request: Any) -> bytes:
        answered = honest(request)
        if request.path != "/v1/tiles":
            return answered
        head = answered.partition(b"\r\n\r\n")[0].decode().split("\r\n")
        kept = [line for line in head if line.split(":")[0] not in (CODEC, "Content-Length")]
        kept += [f"{CODEC}: {codec}", f"Content-Length: {len(body)}"]
        return "\r\n".join(kept).encode() + b"\r\n\r\n" + body

    client = over(handle)
    client.admit(COPY)
    refusal = refusal_of(client, send)
    assert refusal.kind is FailureKind.CORRUPT
    assert refusal.reason.isprintable()


def test_a_body_that_breaks_off() -> None:
    """Half an answer is none."""
    workers = CopyingWorkers()

    def handle(request: Any) -> bytes:
        if request.path == "/v1/tiles":
            raise HangUpError(workers(request)[:-20])
        return workers(request)

    client = over(handle)
    client.admit(COPY)
    refusal = refusal_of(client, send)
    assert refusal.kind is FailureKind.BROKEN
    assert refusal.reason == "broke off after 28 of 48 bytes"


def test_a_worker_that_forgot_the_job() -> None:
    """It is told apart from other errors 404."""
    with pytest.raises(UnknownJobError):
        send(over(CopyingWorkers()))


def test_another_job_is_not_ours() -> None:
    """A worker that repeats another digest has understood something else."""
    workers = CopyingWorkers()

    def handle(request: Any) -> bytes:
        return json_answer({"job": "x"}) if request.path == "/v1/jobs" else workers(request)

    assert "another job" in refusal_of(over(handle), lambda client: client.register(COPY)).reason


def test_wrong_digests_of_probes() -> None:
    """The probe is named, and the worker is not used."""

    def handle(request: Any) -> bytes:
        if request.path == "/v1/attest":
            return json_answer({"digests": dict.fromkeys(json.loads(request.body)["probes"], "0")})
        return CopyingWorkers()(request)

    names = ["float32-float32-reflect"]
    refusal = refusal_of(over(handle), lambda client: client.attest(names))
    assert refusal.unfit
    assert names[0] in refusal.reason


def test_a_silent_worker() -> None:
    """A greeting ends after its time, whatever the worker does."""
    over_now = threading.Event()

    def wait(_: Any) -> bytes:
        over_now.wait(60)
        return b""

    client = client_of(FakeNetwork(wait), greeting_s=0.1)
    refusal = refusal_of(client)
    over_now.set()
    assert refusal.kind is FailureKind.TIMEOUT
    assert refusal.reason == "no answer within 0.1 s"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, "x"), "connection refused"),
        (TimeoutError("timed out"), "no connection in time"),
        (socket.gaierror(-2, "Name or service not known"), "name or service not known"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_nobody_there(error: OSError, words: str) -> None:
    """The reason is a sentence."""

    class Nowhere:
        def connect(self, *_: Any) -> socket.socket:
            raise error

    refusal = refusal_of(client_of(Nowhere()))
    assert refusal.kind is FailureKind.UNREACHED
    assert refusal.reason == words


def test_a_name_server_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is waited for as long as for a connection."""
    over_now = threading.Event()
    known = socket.getaddrinfo

    def hang(*args: Any, flags: int = 0, **named: Any) -> Any:
        if flags & socket.AI_NUMERICHOST:
            return known(*args, flags=flags, **named)
        over_now.wait(60)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    with pytest.raises(TimeoutError, match="name server"):
        TCP.connect("node1", 8080, 0.05)
    over_now.set()
