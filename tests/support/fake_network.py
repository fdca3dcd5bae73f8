"""Workers without a network: socket pairs in place of TCP, and a function that answers requests.

As the mock of httpcore's backends: what is tested is the client, from its sockets up.
"""

from __future__ import annotations

import io
import json
import math
import socket
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import parse_headers
from typing import Any, TypeAlias

import numpy as np

from tiling.jobs.job import Job
from tiling.probes.digests import expected
from tiling.protocol.forms import Form, encode, parse_accepted
from tiling.protocol.wire import BODY_TYPE, DIGEST, PROTOCOL, UNKNOWN_JOB, Answer, Question


@dataclass(frozen=True)
class Request:
    """One request as a worker reads it."""

    host: str
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


Handler: TypeAlias = Callable[[Request], bytes]
"""Returns all the bytes of an answer; the connection is closed after none."""


def answer(status: int, body: bytes = b"", **headers: str) -> bytes:
    """Return an HTTP answer; an underscore in a header's name is a hyphen."""
    fields = {"Content_Length": str(len(body)), **headers}
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status} Status\r\n{lines}\r\n".encode() + body


def json_answer(content: Any, status: int = 200, **headers: str) -> bytes:
    """Return an answer in JSON."""
    return answer(status, json.dumps(content).encode(), Content_Type="application/json", **headers)


class HangUpError(Exception):
    """Raised by a handler: the connection is closed after these bytes.

    Parameters
    ----------
    sent : bytes
    """

    def __init__(self, sent: bytes) -> None:
        super().__init__(sent)
        self.sent = sent


class FakeNetwork:
    """A network on which every host is there, and `handler` answers for all of them.

    Parameters
    ----------
    handler : callable
    """

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self.connections: list[str] = []
        self.requests: list[Request] = []

    def connect(self, host: str, port: int, timeout_s: float) -> socket.socket:  # noqa: ARG002
        """Return our end of a pair; the worker's is served in a thread until it is closed."""
        ours, theirs = socket.socketpair()
        name = f"{host}:{port}"
        self.connections.append(name)
        threading.Thread(target=self._serve, args=(name, theirs), daemon=True).start()
        return ours

    def _serve(self, name: str, sock: socket.socket) -> None:
        with sock, sock.makefile("rb") as reader, suppress(OSError):
            while (request := self._read(name, reader)) is not None:
                self.requests.append(request)
                try:
                    answered = self._handler(request)
                except HangUpError as end:
                    sock.sendall(end.sent)
                    return
                if not answered:
                    return
                sock.sendall(answered)

    def _read(self, name: str, reader: Any) -> Request | None:
        """Read a request; None where the connection ends before it does."""
        lines = []
        while (line := reader.readline()) != b"\r\n":
            if not line:
                return None
            lines.append(line)
        method, path, _ = lines[0].decode("ascii").split()
        headers = dict(parse_headers(io.BytesIO(b"".join([*lines[1:], b"\r\n"]))).items())
        body = reader.read(size := int(headers.get("Content-Length", 0)))
        return Request(name, method, path, headers, body) if len(body) == size else None


@dataclass
class CopyingWorkers:
    """Honest workers whose only job is to copy a block, which is what sigma 0 does.

    Parameters
    ----------
    slots : int
        Of each.
    codecs : tuple of str
        That they announce; without any they are as old as can be.
    """

    slots: int = 2
    codecs: tuple[str, ...] = ()
    health: dict[str, Any] = field(default_factory=dict)
    jobs: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def __call__(self, request: Request) -> bytes:
        """Answer a request."""
        match request.path.partition("?")[0]:
            case "/v1/health":
                honest = {"status": "ready", "protocol": PROTOCOL, "slots": self.slots}
                codecs = {"codecs": self.codecs} if self.codecs else {}
                return json_answer(honest | codecs | self.health)
            case "/v1/attest":
                names = json.loads(request.body)["probes"]
                return json_answer({"digests": {name: expected()[name] for name in names}})
            case "/v1/jobs":
                digest = Job.decode(request.body).digest
                self.jobs[request.host].add(digest)
                return json_answer({"job": digest})
        return self.tile(request)

    def tile(self, request: Request) -> bytes:
        """Answer a block with the block."""
        question, _ = Question.parse(request.headers)
        if question.job not in self.jobs[request.host]:
            return json_answer({"type": UNKNOWN_JOB}, 404)
        block = np.empty(math.prod(question.shape), question.dtype)
        form = Form.parse(request.headers, question.dtype, self.codecs)
        with suppress(ValueError):  # cut off: nobody waits for the answer
            form.decode(memoryview(request.body), block)
        form, body = encode(block, parse_accepted(request.headers) if self.codecs else ())
        whole = block.tobytes()
        right = Answer.to(question, question.digest(whole), question.dtype)
        fields = {**right.fields(), **form.fields(), DIGEST: right.digest(whole)}
        return answer(200, bytes(body), **fields, Content_Type=BODY_TYPE)
