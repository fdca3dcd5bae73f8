"""The local engine under the contract of engines, with one thread and with several."""

from __future__ import annotations

import threading
import warnings
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import pytest

from coordinator.engines import Engine
from coordinator.engines.kernel_choice import KernelChoice
from coordinator.engines.local import LocalEngine
from coordinator.machine import usable_cores
from coordinator.run.output import Output
from coordinator.run.request import Request
from coordinator.run.run import run
from coordinator.stores.memory import ArraySource
from tests.contracts.engine import CountingSink, EngineContract, Heard, job_for
from tiling.filters import FILTERS
from tiling.jobs.job import Job
from tiling.probes.select import Selected, select


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
    assert not sink.claimed


def test_threads_as_many_as_cores() -> None:
    """Unless another number is given."""
    assert LocalEngine().threads == usable_cores() >= 1
    assert LocalEngine(3).threads == 3


def test_no_signal_comes_while_the_kernel_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C comes to the main thread, and what numba calls while it loads would swallow it."""
    loaded_by = []

    def load(pairs: object) -> Selected:  # noqa: ARG001
        loaded_by.append(threading.current_thread())
        return select("reference")

    monkeypatch.setattr("coordinator.engines.kernel_choice._proven", load)
    job = job_for(np.zeros(9), 1.0)
    assert KernelChoice(loading_work=0).kernel_for(job, 9).name == "reference"
    assert loaded_by
    assert threading.main_thread() not in loaded_by


def test_complex_weights_on_real_samples_after_much_work() -> None:
    """SciPy computes them; the compiled kernel is not asked to prove what it does not do."""
    array = np.random.default_rng(0).random((40, 30))
    call = FILTERS["correlate1d"].call(2, array.dtype, np.array([1, 2 + 1j, 1]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        KernelChoice(loading_work=0).kernel_for(Job(2, (call,)), array.size)
