"""Single bits that flip on the way, one per request or answer: not one wrong byte is stitched.

TCP's own checksum sees none of them: the proxy ends one connection and begins another. Every
exchange has a connection of its own, and most of these have one bit flipped, anywhere in the
request or anywhere in the answer, headers included. `TILEFAN_CHAOS_FLIPS` says how many.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from coordinator.dispatch.limits import Limits
from coordinator.events import TileFailed
from coordinator.hosts.by_reference import ByReference
from tests.chaos.proxy import FAULTLESS, Draw, Fault, Kind, Script, open_proxies
from tests.chaos.runs import IMPATIENT, Leaks, Task
from tests.support.processes import WorkerProcess, running_workers

FLIPS = int(os.environ.get("TILEFAN_CHAOS_FLIPS", "500"))
FLIPPED = 0.7
REQUEST, ANSWER = 1_300, 800
"""Bytes of an exchange, headers and body: a few more than there are, so that all are reached."""

GREETINGS = 4
"""Connections of a worker's first greeting: without these there is no run to spoil."""

STUBBORN = replace(
    IMPATIENT,
    attempts=10**6,
    faulty_workers=10**6,
    eject_failures=10**6,
    retry_burst=10**6,
    backoff_base_s=0.0,
    deadline_base_s=0.5,
    fleet_timeout_s=60.0,
)


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[WorkerProcess]]:
    served = "--serve-from", str(tmp_path_factory.getbasetemp())
    with running_workers(2, "--threads", "1", "--kernel", "reference", *served) as running:
        yield running


@pytest.fixture
def one_exchange_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the coordinator use each connection once."""
    monkeypatch.setattr("coordinator.engines.http.connection.IDLE_S", 0.0)


def flips(seed: str) -> Draw:
    """Flip one bit of most connections."""

    def draw(connection: int) -> Script:
        rng = random.Random(f"{seed}/{connection}")
        if connection < GREETINGS or rng.random() > FLIPPED:
            return FAULTLESS
        at = rng.randrange(REQUEST + ANSWER)
        bit = rng.randrange(8)
        if at < REQUEST:
            return Script(there=Fault(Kind.FLIP, at, bit))
        return Script(back=Fault(Kind.FLIP, at - REQUEST, bit))

    return draw


def flip_bits(work: Task, addresses: list[str], seed: int, limits: Limits) -> tuple[int, int]:
    """Carry out a run; return the bits that were flipped, and the failures these caused."""
    with open_proxies() as group:
        proxies = [group.proxy(each, flips(f"{seed}/{i}")) for i, each in enumerate(addresses)]
        run = work.carry_out([proxy.address for proxy in proxies], limits, silent_after_s=5.0)
    assert run.error is None, run.error
    assert work.check(run, addresses)
    return sum(proxy.flips for proxy in proxies), len(run.told(TileFailed))


@pytest.mark.usefixtures("one_exchange_each")
@pytest.mark.parametrize("way", ["never", "auto"], ids=["bytes", "by reference"])
def test_flipped_bits(tmp_path: Path, workers: list[WorkerProcess], way: ByReference) -> None:
    """Every flip that matters is noticed, and the tile is asked for again."""
    array = np.random.default_rng(2).random((160, 200)).astype(np.float32)
    work = Task.make(tmp_path, array, 1.0, (10, 10), by_reference=way)
    leaks = Leaks()
    flipped = failed = seed = 0
    while flipped < FLIPS:
        more = flip_bits(work, [worker.address for worker in workers], seed, STUBBORN)
        flipped, failed, seed = flipped + more[0], failed + more[1], seed + 1
    assert failed > flipped / 2, f"{flipped} bits flipped, {failed} answers refused"
    leaks.check()
