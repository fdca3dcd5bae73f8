"""One tile on its way to a worker and back; nothing of the answer is believed unchecked."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPMessage, HTTPResponse

import numpy as np

from coordinator.engines.http.buffers import Buffers
from coordinator.engines.http.connection import Connection
from coordinator.engines.http.link import Link
from coordinator.engines.http.pool import ConnectionPool
from coordinator.engines.http.refusal import Refusal, agreed, dropping, shown
from coordinator.events import FailureKind
from coordinator.hosts.token import Credential
from tiling.dtypes import Dtype
from tiling.errors import WireError
from tiling.protocol.forms import Form, accept, encode
from tiling.protocol.references import Reference, check_stored, parse_asked
from tiling.protocol.wire import BODY_TYPE, DIGEST, RUN, Answer, Question, Spent

LOG = logging.getLogger("tilefan.http")


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer that was checked: its bytes, both digests, and what it took if that is known.

    There is no body if the worker has stored the tile. `wire_bytes` are those that travelled, there
    and back.
    """

    body: memoryview | None
    asked: str
    digest: str
    spent: Spent | None
    wire_bytes: int


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
    link : Link
        To the worker.
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
        link: Link,
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
        self._link = link
        self._question = question
        self._read = read
        self._target = target
        self._buffers = buffers
        self._answer: Answer | None = None
        self._accepted: tuple[str, ...] = ()
        self._sent_bytes = 0
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
            question, link = self._question, self._link
            whole = self._read()
            self._answer = answer = Answer.to(question, question.digest(whole), self._target)
            form, body = encode(np.frombuffer(whole, question.dtype), link.sends())
            del whole  # what travels in its place may be far smaller
            self._accepted, self._sent_bytes = link.accepts(), len(body)
            fields = {DIGEST: answer.asked, **form.fields(), "Content-Type": BODY_TYPE}
            self._ask(fields, body)
        LOG.debug("tile %s to %s: %d bytes sent", question.tile, self._connection.url, len(body))

    def _ask(self, fields: Mapping[str, str], body: memoryview) -> None:
        """Send a request with these headers, besides those of every tile."""
        headers = {
            **self._pool.headers,
            **self._question.fields(),
            **fields,
            **accept(self._accepted),
            **self._run,
        }
        self._began = time.monotonic()
        self._connection.ask("POST", "/v1/tiles", headers, body)

    def receive(self) -> Answered:
        """Wait for the answer; return it, checked.

        Raises
        ------
        Refusal
            If there is none, or not the one that was asked for.
        UnknownJobError
            If the job must be registered first.
        """
        with dropping(self._pool, self._connection):
            response = agreed(self._connection, self._credential)
            arrived = time.monotonic()
            try:
                answered = self._checked(response, arrived)
            except WireError as error:
                raise Refusal(FailureKind.CORRUPT, shown(str(error))) from None
        self._pool.give_back(self._connection)
        tile, url = self._question.tile, self._connection.url
        received = answered.wire_bytes - self._sent_bytes
        LOG.debug("tile %s of %s: %d bytes received", tile, url, received)
        return answered

    def _checked(self, response: HTTPResponse, arrived: float) -> Answered:
        """Read the answer; return it, checked.

        Raises
        ------
        WireError, Refusal
        """
        answer = self._answer
        assert answer is not None  # noqa: S101 -- it was sent
        form = Form.parse(response.headers, answer.dtype, self._accepted)
        body, length = _body(response, form, answer.body_bytes, self._buffers)
        spent = self._measured(response.headers, arrived, length)
        whole = _whole(form, body, length, answer)
        digest = answer.check(response.headers, whole)
        return Answered(whole, answer.asked, digest, spent, self._sent_bytes + length)

    def _measured(self, headers: HTTPMessage, arrived: float, size: int) -> Spent | None:
        """Return what the worker spent; the rest of the time tells how fast the link is."""
        now = time.monotonic()
        spent = Spent.parse(headers, now - self._began)
        if spent is not None and not self._connection.is_local:
            received = arrived - spent.waiting_s - spent.computing_s
            self._link.there.add(self._sent_bytes, self._began, received)
            self._link.back.add(size, arrived, now)
        return spent

    def abort(self) -> None:
        """End what a thread does with this exchange."""
        self._connection.abort()

    def drop(self) -> None:
        """Close the connection of an exchange that no thread is busy with."""
        self._pool.drop(self._connection)


def _no_block() -> memoryview:
    return memoryview(b"")


class ReferredExchange(TileExchange):
    """One tile by reference on its way to a worker, which reads its block itself, and back.

    Parameters
    ----------
    pool, connection, credential, link, question, target, buffers, run
        See `TileExchange`.
    reference : Reference
    """

    def __init__(
        self,
        pool: ConnectionPool,
        connection: Connection,
        credential: Credential,
        link: Link,
        question: Question,
        reference: Reference,
        target: Dtype,
        buffers: Buffers,
        run: str = "",
    ) -> None:
        super().__init__(
            pool, connection, credential, link, question, _no_block, target, buffers, run
        )
        self._reference = reference

    def send(self) -> None:
        """Send where the block is.

        Raises
        ------
        Refusal
            If the worker can't be reached.
        """
        with dropping(self._pool, self._connection):
            if self._connection.aborted:
                raise ConnectionAbortedError
            question, reference = self._question, self._reference
            if reference.into == "answer":
                self._accepted = self._link.accepts()
            fields = {**reference.fields(), DIGEST: reference.digest(question)}
            self._ask({**fields, "Content-Length": "0"}, memoryview(b""))

    def _checked(self, response: HTTPResponse, arrived: float) -> Answered:
        asked = parse_asked(response.headers)
        self._answer = answer = Answer.to(self._question, asked, self._target)
        if self._reference.into == "answer":
            return super()._checked(response, arrived)
        if response.length != 0:
            raise WireError("a body where the tile was to be stored")
        response.read()
        digest = check_stored(answer, response.headers)
        spent = Spent.parse(response.headers, time.monotonic() - self._began)
        return Answered(None, asked, digest, spent, 0)


def _body(
    response: HTTPResponse, form: Form, size: int, buffers: Buffers
) -> tuple[memoryview, int]:
    """Read a body; memory is taken only for what was announced rightly.

    Returns
    -------
    memoryview
        Room for the block of `size` bytes, then the body; the same place for a plain one.
    int
        Length of the body.
    """
    length = response.length
    if length is None:
        raise Refusal(FailureKind.CORRUPT, "announced no length")
    form.check_length(length, size // form.whole.itemsize)
    room = buffers.take(size + length if form.parts else size)
    filled = response.readinto(room[-length:]) if length else 0
    if filled != length:
        raise Refusal(FailureKind.BROKEN, f"broke off after {filled} of {length} bytes")
    return room, length


def _whole(form: Form, room: memoryview, length: int, answer: Answer) -> memoryview:
    """Return the block of a body that was read, in the same memory."""
    whole = room[: answer.body_bytes]
    if form.parts:
        form.decode(room[-length:], np.frombuffer(whole, form.whole))
    return whole
