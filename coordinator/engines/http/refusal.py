"""The border to the network: what sockets raise, and what a worker answers instead of 200.

Both become a `Refusal`, once, here. What a worker says of itself in words is cut short and inert.
"""

from __future__ import annotations

import json
import logging
import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException, HTTPResponse
from typing import Any

from coordinator.engines.http.connection import ConnectError, Connection
from coordinator.engines.http.pool import ConnectionPool
from coordinator.events import FailureKind
from coordinator.hosts.token import Credential
from coordinator.text import inert
from tiling.protocol.references import UNKNOWN_PLACE, UNREAD, UNWRITTEN
from tiling.protocol.wire import UNKNOWN_JOB, parse_retry_s

LOG = logging.getLogger("tilefan.http")

MAX_JSON_BYTES = 2**18
"""Of a worker's greeting or complaint: no honest one comes near."""

MAX_WORDS = 1000
"""Bytes of a worker's words that are shown."""

UNTRUSTED = frozenset({401, 403, 429})
"""What a worker answers to a wrong token; 429: to many of them."""

WRONG_CERTIFICATE = (
    "shows a certificate that is not trusted here: paste the lines that `worker --tls` prints "
    "into a hosts.toml; if its lines are there already and its owner made no new certificate, "
    "somebody is in between"
)

NO_TLS = "does not speak TLS: start it with `worker --tls`, or write http:// before its name"


START = "start `{worker} --port {port}` there, or open that port on the way"
CHECK_NAME = "nobody knows that name: check it, or write the address instead"
SAY_HTTPS = "if it was started with --tls, write https:// before its name"


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
    wrong_token : bool
        Whether that is so because the worker wants another token; implies `untrusted`.
    remedy : str
        What to do about it, if it can be told: `START` or the like.
    """

    def __init__(
        self,
        kind: FailureKind,
        reason: str,
        *,
        retry_after_s: float | None = None,
        unfit: bool = False,
        untrusted: bool = False,
        wrong_token: bool = False,
        remedy: str = "",
    ) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason
        self.retry_after_s = retry_after_s
        self.wrong_token = wrong_token
        self.untrusted = untrusted or wrong_token
        self.unfit = unfit or self.untrusted
        self.remedy = remedy

    def advised(self, url: str, worker: str = "worker") -> str:
        """Return the reason, and what to do about it.

        Parameters
        ----------
        url : str
            Of the worker, normalised.
        worker : str
            The command line that starts it, but for its port.
        """
        remedy = "" if self.remedy is SAY_HTTPS and url.startswith("https://") else self.remedy
        port = url.rpartition(":")[2]
        return ": ".join(filter(None, (self.reason, remedy.format(worker=worker, port=port))))


class UnknownJobError(Refusal):
    """The worker has forgotten the job, or was restarted: register it again.

    One that says so of a job just registered refuses like any other.
    """

    def __init__(self) -> None:
        super().__init__(FailureKind.BROKEN, "does not know the job that was registered with it")


class PlaceRefusal(Refusal):
    """A tile by reference was refused for its place.

    Parameters
    ----------
    type_ : str
        One of `PLACE_PROBLEMS`.
    reason : str
    """

    def __init__(self, type_: str, reason: str) -> None:
        super().__init__(FailureKind.BROKEN, reason)
        self.is_unknown = type_ == UNKNOWN_PLACE
        self.reads = type_ == UNWRITTEN


PLACE_PROBLEMS = {UNKNOWN_PLACE: 404, UNREAD: 500, UNWRITTEN: 500}
"""What is wrong with a place, with the statuses of such answers."""


def agreed(connection: Connection, credential: Credential) -> HTTPResponse:
    """Wait for an answer that is 200; raise what another one means.

    Parameters
    ----------
    connection : Connection
        That has sent a request.
    credential : Credential
        What was shown; taken out of a worker's words, and named to whoever has to correct it.

    Raises
    ------
    Refusal
        If the worker does not do what it was asked.
    http.client.HTTPException, OSError
        If there is no answer.
    """
    response = connection.answer()
    if response.status != 200:
        raise _refusal(response, credential)
    return response


@contextmanager
def dropping(pool: ConnectionPool, connection: Connection) -> Iterator[None]:
    """Drop a connection if its exchange fails; what sockets raise becomes a `Refusal`.

    Raises
    ------
    Refusal
        For what sockets and HTTP raise within.
    """
    try:
        yield
    except BaseException as error:
        pool.drop(connection)
        translated = isinstance(error, ConnectError | OSError | HTTPException)
        refusal = _unreached(error) if translated else error  # type: ignore[arg-type]
        LOG.debug("%s: %s", connection.url, refusal)
        if refusal is error:
            raise
        raise refusal from error


def parsed(response: HTTPResponse) -> Any:
    """Read an answer's JSON.

    Raises
    ------
    ValueError
        If it is none, or larger or deeper than any honest one.
    """
    body = response.read(MAX_JSON_BYTES + 1)
    if len(body) > MAX_JSON_BYTES:
        raise ValueError(f"more than {MAX_JSON_BYTES} bytes")
    try:
        return json.loads(body)
    except RecursionError:
        raise ValueError("brackets in brackets, too deep") from None


def problem(response: HTTPResponse) -> dict[str, Any]:
    """Read the problem document (RFC 9457) of an answer; empty if it has none."""
    try:
        document = parsed(response)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def shown(text: str) -> str:
    """Return a stranger's words so that they can be shown: inert, and at most `MAX_WORDS`."""
    return inert(text).encode("utf-8", "replace")[:MAX_WORDS].decode("utf-8", "ignore")


def _refusal(response: HTTPResponse, credential: Credential) -> Exception:
    """Turn an answer that is not 200 into what it means."""
    if response.status in UNTRUSTED:
        return Refusal(FailureKind.REFUSED, credential.advice, wrong_token=True)
    document = problem(response)
    if response.status == 404 and document.get("type") == UNKNOWN_JOB:
        return UnknownJobError()
    said = str(document.get("detail") or document.get("title") or response.reason or "")
    reason = f"HTTP {response.status}: {shown(credential.redact(said))}"
    if PLACE_PROBLEMS.get(kind_of := str(document.get("type"))) == response.status:
        return PlaceRefusal(kind_of, shown(credential.redact(said)))
    if response.status == 503 and document.get("status") == "draining":
        return Refusal(FailureKind.BROKEN, "takes no more tiles: it is going away")
    if response.status == 503:
        return Refusal(FailureKind.BUSY, reason, retry_after_s=_seconds(response))
    kind = FailureKind.REFUSED if response.status < 500 else FailureKind.BROKEN
    return Refusal(kind, reason, unfit=response.status < 500)


def _seconds(response: HTTPResponse) -> float | None:
    exactly_s = parse_retry_s(response.headers)
    text = response.headers.get("Retry-After", "")
    roughly_s = float(text) if text.isascii() and text.isdigit() and len(text) < 6 else None
    return roughly_s if exactly_s is None else exactly_s


def _unreached(error: Exception) -> Refusal:
    """Tell a connection that was never made from one that broke."""
    match error:
        case ConnectError():
            return _unconnected(error.__cause__)
        case OSError():
            reason = "closed the connection without an answer"
            return Refusal(FailureKind.BROKEN, reason, remedy=SAY_HTTPS)
        case _:
            reason = "does not answer in HTTP"
            return Refusal(FailureKind.CORRUPT, reason, unfit=True, remedy=SAY_HTTPS)


def _unconnected(why: BaseException | None) -> Refusal:
    match why:
        case ssl.SSLCertVerificationError():
            return Refusal(FailureKind.REFUSED, WRONG_CERTIFICATE, untrusted=True)
        case ssl.SSLError():
            return Refusal(FailureKind.REFUSED, NO_TLS, untrusted=True)
        case TimeoutError():
            return Refusal(FailureKind.UNREACHED, "no connection in time", remedy=START)
        case OSError(errno=int(number)) if number > 0:
            return Refusal(FailureKind.UNREACHED, os.strerror(number).lower(), remedy=START)
        case OSError(strerror=str(words)):  # of a name that nobody knows
            return Refusal(FailureKind.UNREACHED, shown(words).lower(), remedy=CHECK_NAME)
        case _:
            return Refusal(FailureKind.UNREACHED, shown(str(why)).lower(), remedy=START)
