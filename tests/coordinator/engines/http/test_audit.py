"""Finished tiles read again by workers: who is believed, and that nobody is waited for for ever."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from coordinator import interruption
from coordinator.engines import TileRun
from coordinator.engines.http.audit import Audit
from coordinator.engines.http.session import Session
from coordinator.engines.http.terms import Terms
from coordinator.errors import StoreError
from coordinator.events import WorkerReady
from coordinator.hosts.hosts_file import parse_hosts
from coordinator.hosts.token import Credential
from coordinator.journal.digests import Seals
from coordinator.stores.memory import ArraySink, ArraySource
from tests.support.fake_network import FakeNetwork, Handler, Request, answer, json_answer
from tiling.filters import FILTERS
from tiling.geometry.grid import Grid
from tiling.geometry.plan import Plan
from tiling.jobs.job import Job
from tiling.protocol.references import ASKED, INTO, SEAL, UNKNOWN_PLACE, UNREAD, seal_of
from tiling.protocol.wire import DIGEST, Answer, Question

ARRAY = np.arange(96, dtype="<f4").reshape(12, 8)
JOB = Job(2, (FILTERS["gaussian_filter"].call(2, ARRAY.dtype, 1.0),))
PLAN = Plan(Grid(ARRAY.shape, (2, 8)), JOB.halo, JOB.wraps, 4, 4)
TILES = TileRun(JOB, PLAN, ArraySource(ARRAY), ArraySink(ARRAY))
SEALS = Seals(JOB)
FINISHED = {t.index: SEALS.finished(t, ARRAY[t.read.slices], ARRAY[t.write.slices]) for t in PLAN}
ALL = frozenset(FINISHED)


class SomePlaces:
    """Places that all workers have got, but those that begin with ``x``."""

    def __init__(self) -> None:
        self.ended = 0

    def offer_to(self, worker: str, _: object) -> None:
        if worker.startswith("broken"):
            raise StoreError("no room for the nonce")

    def terms(self, worker: str) -> Terms:
        return Terms("f" * 64, writes=not worker.startswith("x"))

    def break_off(self) -> None:
        self.ended += 1


@pytest.fixture
def audit() -> Iterator[Callable[..., frozenset[int]]]:
    """Have the tiles audited by workers that answer so; the places must be ended then."""

    def audited(handler: Handler, *workers: str, patience_s: float = 20.0) -> frozenset[int]:
        places: Any = SomePlaces()
        hosts = parse_hosts(list(workers) or ["a", "b"])
        ready = [WorkerReady(host.name, 2) for host in hosts.hosts]
        network = FakeNetwork(handler)
        with closing(Session(hosts, Credential(Path("token"), None), 5.0, network)) as session:
            try:
                clients, threads = session.clients, session.threads
                audit = Audit(TILES, FINISHED, clients, threads, places, patience_s)
                return audit.carry_out(ready)
            finally:
                assert places.ended == 1

    yield audited
    assert not interruption._Interruption.waiting


def honest(request: Request, asked: str = "", answered: str = "") -> bytes:
    """Answer what the journal says, or otherwise."""
    assert request.headers[INTO] == "kept"
    question, _ = Question.parse(request.headers)
    was = FINISHED[question.tile]
    right = Answer.to(question, asked or was.asked, JOB.target)
    digest = answered or was.answered
    fields = {**right.fields(), ASKED: asked or was.asked, DIGEST: digest}
    said = {**fields, SEAL: seal_of(right, digest)}
    return answer(200, b"", **{key.replace("-", "_"): text for key, text in said.items()})


def tile_of(request: Request) -> int:
    return Question.parse(request.headers)[0].tile


def test_all_is_there(audit: Any) -> None:
    """Each tile is asked for once, at whoever is free."""
    asked: list[int] = []

    def answered(request: Request) -> bytes:
        asked.append(tile_of(request))
        return honest(request)

    assert audit(answered) == ALL
    assert sorted(asked) == sorted(FINISHED)


@pytest.mark.parametrize("what", ["asked", "answered"])
def test_other_bytes(audit: Any, what: str) -> None:
    """A tile of another input, or another output, is left to who asked."""
    changed = {2: {what: "0" * 32}}
    assert audit(lambda asked: honest(asked, **changed.get(tile_of(asked), {}))) == ALL - {2}


REFUSALS = [
    pytest.param(json_answer({"type": UNREAD, "detail": "damaged"}, 500), {0, 2, 4}, id="damaged"),
    pytest.param(json_answer({"type": UNKNOWN_PLACE}, 404), {0, 2}, id="forgotten"),
    pytest.param(json_answer({"detail": "busy"}, 503), {0, 2}, id="busy"),
    pytest.param(json_answer({"detail": "Tilefan-Into"}, 400), {0, 2}, id="older"),
    pytest.param(b"", {0, 2}, id="dead"),
]


@pytest.mark.parametrize(("said", "found"), REFUSALS)
def test_refusals(audit: Any, said: bytes, found: set[int]) -> None:
    """A worker that can't read a tile is asked for the next; one that does not serve ends a lane.

    It has two of them, and refuses every other tile.
    """
    assert audit(lambda asked: said if tile_of(asked) % 2 else honest(asked), "a") == found
    assert audit(lambda _: said) == frozenset()


def test_who_does_not_see_the_output_is_not_asked(audit: Any) -> None:
    """By bytes nothing is audited."""
    asked: list[str] = []

    def answered(request: Request) -> bytes:
        asked.append(request.host)
        return honest(request)

    assert audit(answered, "x", "a") == ALL
    assert set(asked) == {"a:8080"}
    assert audit(answered, "x") == frozenset()


def test_what_can_not_be_shown(audit: Any) -> None:
    """It ends the audit with the error that the run would end with."""
    with pytest.raises(StoreError, match="no room for the nonce"):
        audit(honest, "broken")


def test_a_worker_that_hangs(audit: Any) -> None:
    """Its tiles are left to who asked, and the others are known."""
    never = threading.Event()

    def answered(request: Request) -> bytes:
        if request.host.startswith("a"):
            never.wait(30)
        return honest(request)

    try:
        found = audit(answered, patience_s=0.5)
    finally:
        never.set()
    assert ALL - found
    assert len(ALL - found) <= 2


def test_it_can_be_interrupted(audit: Any) -> None:
    """Although it is done where interruptions are put off."""
    never = threading.Event()

    def answered(_: Request) -> bytes:
        interruption.interrupt(KeyboardInterrupt())
        never.wait(30)
        return b""

    began = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt), interruption.put_off():
            audit(answered)
    finally:
        never.set()
    assert time.monotonic() - began < 15
