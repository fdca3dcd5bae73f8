"""The coordinator's side of pairing with one worker; see `tiling.protocol.pairing`."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from coordinator.engines.http.connection import Connection
from coordinator.engines.http.network import TCP, Network
from coordinator.engines.http.pool import ConnectionPool
from coordinator.engines.http.refusal import Refusal, dropping, parsed, problem, shown
from coordinator.errors import NoWorkerError, TilefanError, TrustError
from coordinator.hosts.addresses import name_of
from coordinator.hosts.certificates import whoever_answers
from tiling.errors import WireError
from tiling.protocol.pairing import (
    CONFIRMATION_BYTES,
    NOT_PAIRING,
    PATH,
    RUN_BYTES,
    VERSION,
    WRONG_CODE,
    Channel,
    Entropy,
    Exchange,
    Side,
)
from tiling.protocol.token import Token

CONNECT_S = 5.0
"""Longest wait for a connection: two lost packets are survived."""

ANSWER_S = 15.0
"""Longest wait for an answer: a worker may hold its interpreter for some seconds."""

GIVING, TAKING = {"given"}, {"taken", "same", "fixed", "failed"}
"""Outcomes if the worker was asked for its token, and if it was sent ours."""


@dataclass(frozen=True, slots=True)
class Paired:
    """What a pairing ended with.

    Parameters
    ----------
    outcome : str
        ``given``: here is the worker's token; ``taken``: it has ours now; ``same``: it had it
        already; ``fixed``, ``failed``: it could not take it.
    place : str
        Where the worker keeps its token, in its words.
    token : Token, optional
        The worker's, if it was given.
    certificate : str, optional
        Base64 of the DER of the worker's certificate.
    """

    outcome: str
    place: str
    token: Token | None = None
    certificate: str | None = None


NO_WORKER = "no worker answers so; is the address right?"


def pair(
    url: str,
    code: str,
    token: Token | None,
    entropy: Entropy = secrets.token_bytes,
    network: Network = TCP,
    answer_s: float = ANSWER_S,
) -> Paired:
    """Share a token with a worker that shows a code.

    Parameters
    ----------
    url : str
        As `coordinator.hosts.addresses.normalise` returns it.
    code : str
        As `tiling.protocol.pairing.parse_code` returns it.
    token : Token or None
        For the worker; None asks for its own.
    entropy : callable
        Returns so many random bytes.
    network : Network
        Connects; TCP unless given.
    answer_s : float
        Longest wait for each answer, in seconds.

    Raises
    ------
    TrustError
        If the code is wrong, or the worker is not pairing.
    NoWorkerError
        If it can't be reached.
    """
    exchange = Exchange(Side.COORDINATOR, code, url, entropy)
    with closing(ConnectionPool(CONNECT_S, {}, network)) as pool:
        worker = _Worker(url, pool, answer_s)
        try:
            return _run(worker, exchange, url, token)
        except (WireError, KeyError, TypeError, ValueError):
            raise TrustError(f"{name_of(url)}: does not speak as a worker that pairs") from None


def _run(worker: _Worker, exchange: Exchange, url: str, token: Token | None) -> Paired:
    opening = {"version": VERSION, "address": url, "message": exchange.message.hex()}
    said = worker.ask(opening)
    run, channel = _hex(said["run"], RUN_BYTES), exchange.finish(bytes.fromhex(said["message"]))
    said = worker.ask({"run": run, "confirmation": channel.confirmation.hex()})
    _check(channel, said["confirmation"], url)
    certificate = channel.open(said["sealed"])["certificate"]
    sealed = channel.seal(token=token.reveal() if token else None)
    settled = channel.open(worker.ask({"run": run, "sealed": sealed})["sealed"])
    outcome, given = settled["outcome"] or "", settled.get("token")
    if outcome not in (TAKING if token else GIVING) or (given is None) is not bool(token):
        raise ValueError
    place = shown(settled["place"] or "")
    return Paired(outcome, place, Token.parse(given) if given else None, certificate)


def _check(channel: Channel, confirmation: str, url: str) -> None:
    if not channel.confirms(bytes.fromhex(_hex(confirmation, CONFIRMATION_BYTES))):
        raise TrustError(
            f"{name_of(url)}: who answers there does not know the code: somebody is in between, or "
            "it is another machine; nothing secret was sent"
        )


def _hex(text: str, size: int) -> str:
    if len(bytes.fromhex(text)) != size:
        raise ValueError
    return text


@dataclass(frozen=True, slots=True)
class _Worker:
    """Where requests go."""

    url: str
    pool: ConnectionPool
    answer_s: float

    def ask(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Send a request and return what is answered, of which nothing is believed.

        Raises
        ------
        TrustError, NoWorkerError
        """
        body = memoryview(json.dumps(document).encode("ascii"))
        connection = self.pool.take(self.url, whoever_answers())
        try:
            with dropping(self.pool, connection):
                answer = self._exchange(connection, body)
        except Refusal as refusal:
            raise self._unreached(refusal) from None
        self.pool.give_back(connection)
        return answer if isinstance(answer, dict) else {}

    def _exchange(self, connection: Connection, body: memoryview) -> Any:
        headers = {"Content-Type": "application/json"}
        try:
            connection.ask("POST", PATH, headers, body, time.monotonic() + self.answer_s)
            response = connection.answer()
            if response.status != 200:
                raise self._refused(response.status, problem(response))
            return parsed(response)
        except TimeoutError:
            reason = f"no answer within {self.answer_s:g} s"
            raise NoWorkerError(f"{name_of(self.url)}: {reason}") from None

    def _refused(self, status: int, said: Mapping[str, Any]) -> TilefanError:
        name, detail = name_of(self.url), shown(str(said.get("detail") or NO_WORKER))
        if status in {401, 404}:
            return TrustError(f"{name}: is not pairing: start `worker --pair` there")
        kinds = {WRONG_CODE: "wrong code", NOT_PAIRING: "can't be paired"}
        return TrustError(f"{name}: {kinds.get(str(said.get('type')), f'HTTP {status}')}: {detail}")

    def _unreached(self, refusal: Refusal) -> TilefanError:
        name = name_of(self.url)
        if refusal.untrusted:
            return TrustError(f"{name}: {refusal.reason}")
        return NoWorkerError(f"{name}: {refusal.advised(self.url, 'worker --pair')}")
