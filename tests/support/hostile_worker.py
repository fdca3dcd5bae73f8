"""A worker that greets as it should, proves its bits, and then answers tiles wrongly."""

from __future__ import annotations

import contextlib
import gzip
import http.server
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tiling.jobs.job import Job
from tiling.kernels import reference
from tiling.kernels.apply import apply
from tiling.probes.digests import expected
from tiling.protocol.forms import CODEC
from tiling.protocol.wire import DIGEST, PROTOCOL, SPENT, Answer, Question

OVER = threading.Event()
"""Ends what `never` does."""

ENDLESS_BYTES = 2**26
"""What is sent of an endless body if nobody hangs up: more than any buffer on the way."""


@dataclass(frozen=True)
class Honest:
    """The answer that a worker should have given, and how to give it."""

    handler: http.server.BaseHTTPRequestHandler
    question: Question
    answer: Answer
    body: bytes

    @property
    def headers(self) -> dict[str, str]:
        return {**self.answer.fields(), DIGEST: self.answer.digest(self.body)}

    def send(
        self, headers: dict[str, str], body: bytes, status: int = 200, length: int | None = None
    ) -> None:
        self.handler.send_response(status)
        size = len(body) if length is None else length
        for name, value in {"Content-Length": str(size), **headers}.items():
            self.handler.send_header(name, value)
        self.handler.end_headers()
        self.handler.wfile.write(body)


Misdeed = Callable[[Honest], None]


def endless(honest: Honest) -> None:
    """Send on and on after the announced length."""
    honest.send(honest.headers, honest.body)
    for _ in range(ENDLESS_BYTES // 2**16):
        honest.handler.wfile.write(bytes(2**16))


def endless_chunks(honest: Honest) -> None:
    """Announce no length, and send on and on."""
    honest.handler.send_response(200)
    for name, value in {**honest.headers, "Transfer-Encoding": "chunked"}.items():
        honest.handler.send_header(name, value)
    honest.handler.end_headers()
    for _ in range(ENDLESS_BYTES // 2**16):
        honest.handler.wfile.write(b"10000\r\n" + bytes(2**16) + b"\r\n")


def huge(honest: Honest) -> None:
    """Announce more than any memory holds."""
    honest.send(honest.headers, honest.body, length=2**60)


def unfinished(honest: Honest) -> None:
    """Send half of the body, and the rest never."""
    honest.send(honest.headers, honest.body[:1], length=len(honest.body))
    honest.handler.rfile.read(1)  # until the other side hangs up


def cut(honest: Honest) -> None:
    """Hang up half-way."""
    honest.send(honest.headers, honest.body[:9], length=len(honest.body))
    honest.handler.close_connection = True


def giant_header(honest: Honest) -> None:
    """Send a header of a megabyte."""
    honest.send({**honest.headers, "X-Giant": "x" * 2**20}, honest.body)


def many_headers(honest: Honest) -> None:
    """Send a hundred thousand headers."""
    honest.send({**honest.headers, **{f"X-{i}": "x" for i in range(100_000)}}, honest.body)


BOMB = gzip.compress(bytes(2**24))


def zipped(honest: Honest) -> None:
    """Send a body that is larger once it is decoded: a bomb."""
    honest.send({**honest.headers, "Content-Encoding": "gzip"}, BOMB)


def zipped_of_that_length(honest: Honest) -> None:
    """Say of the right body that it must be decoded: it need not, and is taken as it is."""
    body = gzip.compress(honest.body)[: len(honest.body)].ljust(len(honest.body), b"\0")
    honest.send({**honest.headers, "Content-Encoding": "gzip"}, body)


def unasked_form(honest: Honest) -> None:
    """Send fewer bytes, which only who asked for them can take for the block."""
    honest.send({**honest.headers, CODEC: "lz4"}, honest.body[:-1])


def redirect(honest: Honest) -> None:
    """Send the coordinator, and its token, to another address."""
    honest.send({"Location": f"http://{honest.handler.headers['Host']}/elsewhere"}, b"", 307)


def wrong_shape(honest: Honest) -> None:
    """Turn the block round: the same bytes, signed."""
    shape = (*honest.answer.shape[::-1], 1)
    turned = replace(honest.answer, shape=shape)
    honest.send({**turned.fields(), DIGEST: turned.digest(honest.body)}, honest.body)


def wrong_tile(honest: Honest) -> None:
    """Sign the answer for another tile."""
    other = replace(honest.answer, tile=honest.answer.tile + 1)
    honest.send({**honest.headers, DIGEST: other.digest(honest.body)}, honest.body)


def stale(honest: Honest) -> None:
    """Give the right answer to another question about this tile."""
    older = replace(honest.answer, asked="0" * 32)
    honest.send({**older.fields(), DIGEST: older.digest(honest.body)}, honest.body)


def flipped(honest: Honest) -> None:
    """Flip a bit on the way."""
    body = bytearray(honest.body)
    body[-1] ^= 1
    honest.send(honest.headers, bytes(body))


def no_http(honest: Honest) -> None:
    """Answer in another protocol."""
    honest.handler.wfile.write(b"SSH-2.0-OpenSSH_9.9\r\n")
    honest.handler.close_connection = True


HOSTILE_TEXT = "\x1b[2J\x1b]0;owned\x07[bold red]\u202ehostile[/] " + "long " * 10_000


def hostile_text(honest: Honest) -> None:
    """Complain in escape sequences and markup, at length."""
    text = json.dumps({"type": "x", "detail": HOSTILE_TEXT}, ensure_ascii=False).encode()
    honest.send({"Content-Type": "application/problem+json"}, text, 500)


def always_busy(honest: Honest) -> None:
    """Turn every tile away."""
    headers = {"Retry-After": "0", "Content-Type": "application/problem+json"}
    honest.send(headers, b'{"type": "urn:tilefan:busy"}', 503)


def never(_: Honest) -> None:
    """Keep the tile, until the test is over."""
    OVER.wait(60)


def overstated_time(honest: Honest) -> None:
    """Say that the right answer took years."""
    honest.send({**honest.headers, SPENT: f"{10**14},{10**14}"}, honest.body)


def one_ulp_more(honest: Honest) -> None:
    """Compute wrongly, by as little as can be, and sign that."""
    block = np.frombuffer(honest.body, honest.answer.dtype)
    body = np.nextafter(block, np.inf).astype(block.dtype).tobytes()
    honest.send({**honest.answer.fields(), DIGEST: honest.answer.digest(body)}, body)


MISDEEDS: tuple[Misdeed, ...] = (
    endless_chunks,
    huge,
    cut,
    giant_header,
    many_headers,
    zipped,
    zipped_of_that_length,
    unasked_form,
    redirect,
    wrong_shape,
    wrong_tile,
    stale,
    flipped,
    no_http,
    hostile_text,
)
"""What is seen at once, at every tile."""


@dataclass
class Hostile:
    """A running one: its address, and the paths that it was asked for."""

    address: str
    paths: set[str]


@contextlib.contextmanager
def hostile_worker(misdeed: Misdeed, slots: int = 2) -> Iterator[Hostile]:
    """Serve on loopback, with one misdeed for every tile."""
    jobs: dict[str, Job] = {}
    paths: set[str] = set()
    OVER.clear()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def answer(self, value: dict[str, Any]) -> None:
            body = json.dumps(value).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            paths.add(self.path)
            self.answer({"protocol": PROTOCOL, "slots": slots, "status": "ready"})

        def do_POST(self) -> None:
            paths.add(self.path)
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == "/v1/attest":
                self.answer({"digests": {n: expected()[n] for n in json.loads(body)["probes"]}})
            elif self.path == "/v1/jobs":
                job = Job.decode(body)
                jobs[job.digest] = job
                self.answer({"job": job.digest})
            else:
                with contextlib.suppress(ConnectionError):
                    misdeed(self.compute(body))

        def compute(self, body: bytes) -> Honest:
            question, asked = Question.parse(self.headers)
            job = jobs[question.job]
            block = np.frombuffer(body, question.dtype).reshape(question.shape)
            out = np.empty(question.crop.shape, job.target)
            apply(job.program, block, question.crop.slices, out, reference.run)
            answer = Answer.to(question, asked, job.target)
            return Honest(self, question, answer, out.tobytes())

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield Hostile(f"127.0.0.1:{server.server_port}", paths)
        finally:
            OVER.set()
            server.shutdown()
            thread.join()
