"""The local engine under the contract of engines, with one thread and with several."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace

import numpy as np
import pytest

from coordinator.engines import Engine, TileRun
from coordinator.engines.local import LocalEngine, _proven, kernel_for
from coordinator.events import Event, TileComputing, WorkerUsage
from coordinator.machine import usable_cores
from coordinator.run.output import Output
from coordinator.run.request import Request
from coordinator.run.run import run
from coordinator.stores.memory import ArraySink, ArraySource
from tests.contracts.engine import CountingSink, EngineContract, Heard, job_for
from tests.support.coordinators import wait_until
from tiling.filters import FILTERS
from tiling.jobs.job import Job
from tiling.probes.select import select


class TestOneThread(EngineContract):
    """The caller's own thread."""

    def making(self) -> AbstractContextManager[Engine]:
        return nullcontext(LocalEngine(1))


class TestManyThreads(EngineContract):
    """More threads than cores, so that they get into each other's way."""

    def making(self) -> AbstractContextManager[Engine]:
        return nullcontext(LocalEngine(7))


@pytest.mark.parametrize("threads", [1, 3])
def test_an_interruption_stops_the_run(threads: int) -> None:
    """KeyboardInterrupt comes out after the tiles in hand, and the output is discarded."""
    array = np.zeros(5000)
    heard, sink = Heard(), CountingSink(np.empty_like(array))

    class Interrupted(ArraySource):
        def read(self, box: object) -> object:  # type: ignore[override]
            raise KeyboardInterrupt(box)

    request = Request(job_for(array, 1), Interrupted(array), (1,))
    with pytest.raises(KeyboardInterrupt):
        run(request, lambda _: Output(sink), LocalEngine(threads), heard)
    assert sink.ended == ["discard"]
    assert not sink.stored


def test_threads_as_many_as_cores() -> None:
    """Unless another number is given."""
    assert LocalEngine().threads == usable_cores() >= 1
    assert LocalEngine(3).threads == 3


def test_the_kernel_is_the_native_one() -> None:
    """It was built here, and proves itself once for each kind of job."""
    job = job_for(np.zeros(9), 1.0)
    assert kernel_for(job).name == "native"
    assert kernel_for(job) is kernel_for(job)


def test_a_kernel_that_is_left_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """SciPy serves; a warning says so."""
    monkeypatch.setattr("coordinator.engines.local._proven", _proven.__wrapped__)  # no cache
    monkeypatch.setattr(
        "coordinator.engines.local.select", lambda *_: replace(select("reference"), note="why")
    )
    with pytest.warns(RuntimeWarning, match="why"):
        assert kernel_for(job_for(np.zeros((3, 3), "u4"), 1.0)).name == "reference"


def test_a_long_tile_tells_its_share_and_ends_when_nobody_waits() -> None:
    """One tile of minutes: its progress and usage are heard, and Ctrl-C does not wait for it."""
    x, out = np.zeros((2000, 2000)), np.empty((2000, 2000))
    call = FILTERS["rank_filter"].call(2, x.dtype, rank=5, size=151)
    job = Job(2, (call,))
    plan = Request(job, ArraySource(x), (2000, 2000)).plan(
        LocalEngine().prepare(job, lambda _: None)
    )
    shares: list[float] = []

    def tell(event: Event) -> None:
        if isinstance(event, TileComputing):
            shares.append(event.share)
        if isinstance(event, WorkerUsage):
            assert event.cpu_s > 0 < event.resident_bytes
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        LocalEngine(1).run(TileRun(job, plan, ArraySource(x), ArraySink(out)), tell)
    assert 0.0 <= shares[0] < 1.0
    wait_until(
        lambda: not any(each.name.startswith("tile_") for each in threading.enumerate()),
        "the thread to end",
    )
