"""One tile on its way to a worker and back; nothing of the answer is believed unchecked."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPMessage, HTTPResponse

from coordinator.engines.http.buffers import Buffers
from coordinator.engines.http.connection import Connection
from coordinator.engines.http.pool import ConnectionPool
from coordinator.engines.http.refusal import Refusal, agreed, dropping, shown
from coordinator.events import FailureKind
from coordinator.hosts.token import Credential
from tiling.dtypes import Dtype
from tiling.errors import WireError
from tiling.protocol.wire import BODY_TYPE, DIGEST, RUN, Answer, Question, Spent

LOG = logging.getLogger("tilefan.http")


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer that was checked: its bytes, both digests, and what it took if that is known."""

    body: memoryview
    asked: str
    digest: str
    spent: Spent | None


class TileExchange:
    """One tile on its way to a worker and back, in two halves; `fileno` is readable in between.

    Both halves block while bytes move, each in any thread; between them nothing does, however long
    the worker computes.

    Parameters
    ----------
    pool : ConnectionPool
    connection : Connection
        Taken from the pool, and given back to it.
    credential : Credential
        What the pool shows.
    question : Question
    read : callable
        Returns the block's bytes; called in the thread that sends them.
    target : numpy.dtype
        Of the answer.
    buffers : Buffers
        For the answer.
    run : str
        Whose tile it is; see `tiling.protocol.wire.RUN`.
    """

    def __init__(
        self,
        pool: ConnectionPool,
        connection: Connection,
        credential: Credential,
        question: Question,
        read: Callable[[], memoryview],
        target: Dtype,
        buffers: Buffers,
        run: str = "",
    ) -> None:
        self._run = {RUN: run} if run else {}
        self._pool = pool
        self._connection = connection
        self._credential = credential
        self._question = question
        self._read = read
        self._target = target
        self._buffers = buffers
        self._answer: Answer | None = None
        self._began = 0.0

    def fileno(self) -> int:
        """Return the descriptor of the socket, to wait for the answer."""
        return self._connection.fileno()

    @property
    def readable(self) -> bool:
        """Whether the answer has begun to arrive, or there will be none."""
        return self._connection.readable

    def send(self) -> None:
        """Read the block and send it.

        Raises
        ------
        Refusal
            If the worker can't be reached.
        StoreError
            If the block can't be read.
        """
        with dropping(self._pool, self._connection):
            if self._connection.aborted:
                raise ConnectionAbortedError
            body = self._read()
            question = self._question
            self._answer = answer = Answer.to(question, question.digest(body), self._target)
            headers = {**question.fields(), DIGEST: answer.asked, "Content-Type": BODY_TYPE}
            self._began = time.monotonic()
            self._connection.ask(
                "POST", "/v1/tiles", self._pool.headers | headers | self._run, body
            )
        LOG.debug("tile %s to %s: %d bytes sent", question.tile, self._connection.url, len(body))

    def receive(self) -> Answered:
        """Wait for the answer; return it, checked.

        Raises
        ------
        Refusal
            If there is none, or not the one that was asked for.
        UnknownJobError
            If the job must be registered first.
        """
        answer = self._answer
        assert answer is not None  # noqa: S101 -- it was sent
        with dropping(self._pool, self._connection):
            response = agreed(self._connection, self._credential)
            body = _body(response, answer.body_bytes, self._buffers)
            spent = Spent.parse(response.headers, time.monotonic() - self._began)
            answered = Answered(body, answer.asked, _checked(answer, response.headers, body), spent)
        self._pool.give_back(self._connection)
        tile, url = self._question.tile, self._connection.url
        LOG.debug("tile %s of %s: %d bytes received", tile, url, len(body))
        return answered

    def abort(self) -> None:
        """End what a thread does with this exchange."""
        self._connection.abort()

    def drop(self) -> None:
        """Close the connection of an exchange that no thread is busy with."""
        self._pool.drop(self._connection)


def _body(response: HTTPResponse, size: int, buffers: Buffers) -> memoryview:
    """Read a body of exactly this size; memory is taken only for what was announced rightly."""
    if response.length != size:
        raise Refusal(FailureKind.CORRUPT, f"announced {response.length} bytes, not {size}")
    body = buffers.take(size)
    filled = response.readinto(body) if size else 0
    if filled != size:
        raise Refusal(FailureKind.BROKEN, f"broke off after {filled} of {size} bytes")
    return body


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
