"""One worker as the http engine sees it: greetings, jobs and tiles over HTTP.

The border to the network: what sockets raise and what a stranger may answer is turned here into
our own values, once. Nothing that a worker says is believed before it is checked, and what it says
of itself in words is cut short.
"""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPMessage, HTTPResponse
from typing import Any, TypeVar

from coordinator.engines.http.buffers import Buffers
from coordinator.engines.http.connection import ConnectError, Connection
from coordinator.engines.http.identity import about
from coordinator.engines.http.pool import ConnectionPool
from coordinator.events import FailureKind, WorkerReady
from coordinator.hosts.attestation import attestation_error, attested
from coordinator.hosts.certificates import tls_context
from coordinator.hosts.hosts_file import Config, Host
from coordinator.hosts.token import Credential
from coordinator.text import inert
from tiling.dtypes import Dtype
from tiling.errors import WireError
from tiling.jobs.job import Job
from tiling.probes.digests import needed
from tiling.protocol.wire import BODY_TYPE, DIGEST, PROTOCOL, UNKNOWN_JOB, Answer, Question, Spent

T = TypeVar("T")

MAX_JSON_BYTES = 2**16
"""Of a worker's greeting or complaint: no honest one comes near."""

MAX_WORDS = 1000
"""Bytes of a worker's words that are shown."""

UNTRUSTED = frozenset({401, 403, 429})
"""What a worker answers to a wrong token; 429: to many of them."""

GREETING_S = 5.0
"""Longest wait for the answer to a greeting: the worker computes nothing for it."""

ATTEST_GREETINGS = 12
"""As many greetings long may the proof take: a worker may have to compile for it first."""

WRONG_CERTIFICATE = (
    "shows a certificate that hosts.toml does not trust: if its owner made a new one, "
    "paste the lines that `worker --tls` prints; if not, somebody is in between"
)

NO_TLS = "does not speak TLS: start it with `worker --tls`, or write http:// in hosts.toml"


class Refusal(Exception):  # noqa: N818 -- it is an answer, though not the one wished for
    """A worker did not do what it was asked.

    Parameters
    ----------
    kind : FailureKind
        What the dispatcher makes of it.
    reason : str
        In words.
    retry_after_s : float, optional
        The pause that a busy worker asks for.
    unfit : bool
        Whether asking again can't help.
    untrusted : bool
        Whether one of the two could not prove who it is; implies `unfit`.
    """

    def __init__(
        self,
        kind: FailureKind,
        reason: str,
        *,
        retry_after_s: float | None = None,
        unfit: bool = False,
        untrusted: bool = False,
    ) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason
        self.retry_after_s = retry_after_s
        self.unfit = unfit or untrusted
        self.untrusted = untrusted


class UnknownJobError(Refusal):
    """The worker has forgotten the job, or was restarted: register it again.

    One that says so of a job just registered refuses like any other.
    """

    def __init__(self) -> None:
        super().__init__(FailureKind.BROKEN, "does not know the job that was registered with it")


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer that was checked: its bytes, both digests, and what it took if that is known."""

    body: memoryview
    asked: str
    digest: str
    spent: Spent | None


@dataclass(frozen=True, slots=True)
class Client:
    """A worker's address, the session to reach it with, and whom to trust there.

    Parameters
    ----------
    host : Host
    session : ConnectionPool
    credential : Credential
        What the session shows; named to whoever has to correct it.
    tls : ssl.SSLContext, optional
        See `coordinator.hosts.certificates`.
    greeting_s : float
        Longest wait for the answer to a greeting.
    """

    host: Host
    session: ConnectionPool
    credential: Credential
    tls: ssl.SSLContext | None = None
    greeting_s: float = GREETING_S
    _sending: threading.Lock = field(default_factory=threading.Lock, init=False)

    async def health(self) -> dict[str, Any]:
        """Ask the worker who it is.

        Raises
        ------
        Refusal
            If it can't be reached, or is no worker of this protocol.
        """
        health = await self._json("GET", "/v1/health")
        if not isinstance(health, dict) or health.get("protocol") != PROTOCOL:
            said = health.get("protocol") if isinstance(health, dict) else None
            raise Refusal(
                FailureKind.REFUSED,
                f"is no tilefan worker of protocol {PROTOCOL}: it says {said!r:.40}",
                unfit=True,
            )
        return health

    async def greet(self) -> int:
        """Ask the worker who it is; return the tiles it takes at a time.

        Raises
        ------
        Refusal
            If it can't be reached, or is no worker of this protocol.
        """
        return self._slots(await self.health())

    def _slots(self, health: Mapping[str, Any]) -> int:
        slots = self.host.slots or health.get("slots")
        if not isinstance(slots, int) or not 1 <= slots <= 1024:
            raise Refusal(FailureKind.REFUSED, f"offers {slots!r:.40} slots", unfit=True)
        return slots

    async def register(self, job: Job) -> None:
        """Make a job known to the worker; repeating it is harmless.

        Raises
        ------
        Refusal
            If it does not take the job.
        """
        said = await self._json("POST", "/v1/jobs", data=job.encode())
        if not isinstance(said, dict) or said.get("job") != job.digest:
            raise Refusal(FailureKind.CORRUPT, "understood another job", unfit=True)

    async def attest(self, names: Sequence[str]) -> None:
        """Have the worker prove that it computes what SciPy does; see `tiling.probes.digests`.

        Raises
        ------
        Refusal
            If it does not, naming the first probe that differs.
        """
        if names:
            body = json.dumps({"probes": names}).encode("ascii")
            said = await self._json(
                "POST", "/v1/attest", data=body, timeout_s=ATTEST_GREETINGS * self.greeting_s
            )
            if (trouble := attestation_error(names, said)) is not None:
                raise Refusal(FailureKind.CORRUPT, trouble, unfit=True)

    async def admit(self, job: Job) -> WorkerReady:
        """Greet the worker, have it prove itself, and register the job.

        Raises
        ------
        Refusal
            If it can't be used for this job.
        """
        health = await self.health()
        slots = self._slots(health)
        await self.attest(probes := needed(job))
        await self.register(job)
        return WorkerReady(self.host.name, slots, about(health), attested(probes))

    async def filter(
        self, question: Question, read: Callable[[], memoryview], target: Dtype, buffers: Buffers
    ) -> Answered:
        """Send a tile; return the answer, checked.

        Tiles are sent to a worker one after another, so that it computes the first while it
        receives the second.

        Parameters
        ----------
        question : Question
        read : callable
            Returns the block's bytes; called in the thread that sends them.
        target : numpy.dtype
            Of the answer.
        buffers : Buffers
            For the answer.

        Raises
        ------
        Refusal
            If there is no answer, or not the one that was asked for.
        UnknownJobError
            If the job must be registered first.
        """

        def exchange(connection: Connection) -> Answered:
            body = read()
            answer = Answer.to(question, question.digest(body), target)
            headers = {**question.fields(), DIGEST: answer.asked, "Content-Type": BODY_TYPE}
            began_s = time.monotonic()
            with self._sending:
                connection.ask("POST", "/v1/tiles", self.session.headers | headers, body)
            response = self._agreed(connection)
            got = _body(response, answer.body_bytes, buffers)
            spent = Spent.parse(response.headers, time.monotonic() - began_s)
            return Answered(got, answer.asked, _checked(answer, response.headers, got), spent)

        return await self._use(exchange)

    async def _json(
        self, method: str, path: str, data: bytes = b"", timeout_s: float | None = None
    ) -> Any:
        headers = {"Content-Type": "application/json"} if data else {}

        def exchange(connection: Connection) -> Any:
            connection.ask(method, path, self.session.headers | headers, memoryview(data))
            return _parsed(self._agreed(connection))

        wait_s = timeout_s or self.greeting_s
        try:
            async with asyncio.timeout(wait_s):
                return await self._use(exchange)
        except TimeoutError:
            raise Refusal(FailureKind.TIMEOUT, f"no answer within {wait_s:g} s") from None
        except (ValueError, RecursionError):
            reason = "is no tilefan worker: its answer is not JSON"
            raise Refusal(FailureKind.REFUSED, reason, unfit=True) from None

    def _agreed(self, connection: Connection) -> HTTPResponse:
        """Wait for an answer that is 200; raise what another one means."""
        response = connection.answer()
        if response.status != 200:
            raise _refusal(response, self.credential)
        return response

    async def _use(self, exchange: Callable[[Connection], T]) -> T:
        try:
            return await self.session.use(self.host.url, self.tls, exchange)
        except (ConnectError, OSError, HTTPException) as error:
            raise _unreached(error) from error


def shown(text: str) -> str:
    """Return a stranger's words so that they can be shown: inert, and at most `MAX_WORDS`."""
    return inert(text).encode("utf-8", "replace")[:MAX_WORDS].decode("utf-8", "ignore")


def _body(response: HTTPResponse, size: int, buffers: Buffers) -> memoryview:
    """Read a body of exactly this size; memory is taken only for what was announced rightly."""
    if response.length != size:
        raise Refusal(FailureKind.CORRUPT, f"announced {response.length} bytes, not {size}")
    body = buffers.take(size)
    filled = response.readinto(body) if size else 0
    if filled != size:
        raise Refusal(FailureKind.BROKEN, f"broke off after {filled} of {size} bytes")
    return body


def _parsed(response: HTTPResponse) -> Any:
    """Read JSON; ValueError or RecursionError if it is none, or larger than any honest one."""
    body = response.read(MAX_JSON_BYTES + 1)
    if len(body) > MAX_JSON_BYTES:
        raise ValueError(f"more than {MAX_JSON_BYTES} bytes")
    return json.loads(body)


def _refusal(response: HTTPResponse, credential: Credential) -> Exception:
    """Turn an answer that is not 200 into what it means."""
    if response.status in UNTRUSTED:
        return Refusal(FailureKind.REFUSED, credential.advice, untrusted=True)
    try:
        problem = _parsed(response)
    except (ValueError, RecursionError):
        problem = None
    problem = problem if isinstance(problem, dict) else {}
    if response.status == 404 and problem.get("type") == UNKNOWN_JOB:
        return UnknownJobError()
    said = str(problem.get("detail") or problem.get("title") or response.reason or "")
    reason = f"HTTP {response.status}: {shown(credential.redact(said))}"
    if response.status == 503:
        return Refusal(FailureKind.BUSY, reason, retry_after_s=_seconds(response))
    kind = FailureKind.REFUSED if response.status < 500 else FailureKind.BROKEN
    return Refusal(kind, reason, unfit=response.status < 500)


def _seconds(response: HTTPResponse) -> float | None:
    text = response.headers.get("Retry-After", "")
    return float(text) if text.isascii() and text.isdigit() and len(text) < 6 else None


def _unreached(error: Exception) -> Refusal:
    """Tell a connection that was never made from one that broke."""
    match error:
        case ConnectError():
            return _unconnected(error.__cause__)
        case OSError():
            return Refusal(FailureKind.BROKEN, "closed the connection without an answer")
        case _:
            return Refusal(FailureKind.CORRUPT, "does not answer in HTTP", unfit=True)


def _unconnected(why: BaseException | None) -> Refusal:
    match why:
        case ssl.SSLCertVerificationError():
            return Refusal(FailureKind.REFUSED, WRONG_CERTIFICATE, untrusted=True)
        case ssl.SSLError():
            return Refusal(FailureKind.REFUSED, NO_TLS, untrusted=True)
        case TimeoutError():
            return Refusal(FailureKind.UNREACHED, "no connection in time")
        case OSError(errno=int(number)) if number > 0:
            return Refusal(FailureKind.UNREACHED, os.strerror(number).lower())
        case OSError(strerror=str(words)):  # of a name that nobody knows
            return Refusal(FailureKind.UNREACHED, shown(words).lower())
        case _:
            return Refusal(FailureKind.UNREACHED, shown(str(why)).lower())


def make_clients(
    config: Config,
    session: ConnectionPool,
    credential: Credential,
    greeting_s: float = GREETING_S,
) -> dict[str, Client]:
    """Return a client for each host, by the host's name."""
    return {
        host.name: Client(
            host, session, credential, tls_context(host.certificate, host.ca), greeting_s
        )
        for host in config.hosts
    }


def _checked(answer: Answer, headers: HTTPMessage, body: memoryview) -> str:
    """Check an answer's headers and digest; return the digest.

    Raises
    ------
    Refusal
        If anything differs from what was asked.
    """
    try:
        return answer.check(headers, body)
    except WireError as error:
        raise Refusal(FailureKind.CORRUPT, shown(str(error))) from None
