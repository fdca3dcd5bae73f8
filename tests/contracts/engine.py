"""What every engine must do; implementations inherit this class and say how one is made."""

from __future__ import annotations

import gc
import threading
import weakref
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from coordinator.engines import Engine
from coordinator.errors import StoreError
from coordinator.events import (
    Event,
    RunFinished,
    RunStarted,
    TileAnswered,
    TileSent,
    TileStored,
    WorkerReady,
)
from coordinator.run.output import Output
from coordinator.run.request import Request
from coordinator.run.run import run
from coordinator.stores.memory import ArraySink, ArraySource
from tests.support.equality import assert_same_bits
from tests.support.strategies import Array, samples
from tiling.filters import gaussian_filter
from tiling.geometry.box import Box
from tiling.jobs.job import Job


@dataclass
class Heard:
    """A listener that remembers, and insists on being told one thing at a time."""

    events: list[Event] = field(default_factory=list)
    busy: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, at: float, event: Event) -> None:  # noqa: ARG002 -- a listener gets the time
        assert self.busy.acquire(blocking=False), "two events at a time"
        try:
            self.events.append(event)
        finally:
            self.busy.release()

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


@dataclass
class CountingSink:
    """A sink in memory that counts how often each box is stored, and how it ended."""

    array: Array
    stored: Counter[Box] = field(default_factory=Counter)
    ended: list[str] = field(default_factory=list)
    name: str = "counted"
    committed: bool = False

    def region(self, box: Box) -> Array:
        return ArraySink(self.array).region(box)

    read = region

    def store(self, box: Box, block: Array) -> None:
        self.stored[box] += 1
        ArraySink(self.array).store(box, block)

    def commit(self) -> None:
        self.ended.append("commit")

    def discard(self) -> None:
        self.ended.append("discard")


class FailingSource(ArraySource):
    """A source that can't read one sample; it counts what is asked of it afterwards."""

    __slots__ = ("bad", "reads_after")

    def __init__(self, array: Array, bad: int) -> None:
        super().__init__(array)
        object.__setattr__(self, "bad", bad)
        object.__setattr__(self, "reads_after", [])

    def read(self, box: Box) -> Array:
        if box.start[0] <= self.bad < box.stop[0]:
            self.reads_after.clear()
            raise StoreError("sample can't be read")
        self.reads_after.append(box)
        return super().read(box)


def job_for(array: Array, *sigmas: Any, **keywords: Any) -> Job:
    """Return a job of one Gaussian after another, each of the array's dtype."""
    native = array.dtype.newbyteorder("=")
    return Job(
        array.ndim, tuple(gaussian_filter(array.ndim, native, s, **keywords) for s in sigmas)
    )


class EngineContract(ABC):
    """A place where tiles are computed."""

    @abstractmethod
    def making(self) -> AbstractContextManager[Engine]:
        """Return a context that yields an engine."""

    @pytest.fixture
    def engine(self) -> Iterator[Engine]:
        with self.making() as engine:
            yield engine

    @pytest.mark.parametrize("mode", ["reflect", "wrap", "constant"])
    @pytest.mark.parametrize("dtype", ["?", "u1", ">i4", "<f4", "<f8", "<c8"])
    @pytest.mark.parametrize("tile", [(5, 4, 2), (17, 1, 3), None], ids=str)
    def test_bits(self, engine: Engine, dtype: str, mode: str, tile: Any) -> None:
        """The output is SciPy's, whatever the dtype and however it is cut."""
        array = samples((17, 11, 3), dtype, 1, special=False)
        job = job_for(array, (1.5, 1, 0), mode=mode, cval=2)
        out = np.empty(array.shape, job.target)
        run(
            Request(job, ArraySource(array), tile),
            lambda _: Output(ArraySink(out)),
            engine,
            Heard(),
        )
        assert_same_bits(out, ndimage.gaussian_filter(array, (1.5, 1, 0), mode=mode, cval=2))

    @pytest.mark.parametrize("dtype", ["<f2", "<i2"])
    @pytest.mark.parametrize("shape", [(), (4, 5)], ids=str)
    def test_copies(self, engine: Engine, dtype: str, shape: tuple[int, ...]) -> None:
        """Sigma 0 copies, also float16 and arrays without axes."""
        array = samples(shape, dtype, 2, special=False)
        out = np.empty_like(array)
        request = Request(job_for(array, 0), ArraySource(array), (2,) * len(shape))
        run(request, lambda _: Output(ArraySink(out)), engine, Heard())
        assert_same_bits(out, array)

    def test_a_chain_of_calls(self, engine: Engine) -> None:
        """Two filters in one job are one after the other on the whole."""
        array = samples((40, 30), "<f4", 3, special=False)
        out = np.empty_like(array)
        job = job_for(array, 1.0, 2.0, mode="nearest")
        run(
            Request(job, ArraySource(array), (9, 8)),
            lambda _: Output(ArraySink(out)),
            engine,
            Heard(),
        )
        between = ndimage.gaussian_filter(array, 1.0, mode="nearest")
        assert_same_bits(out, ndimage.gaussian_filter(between, 2.0, mode="nearest"))

    def test_a_run_lets_go_of_its_arrays(self, engine: Engine) -> None:
        """An output that its user drops is gone, before any collector looks for cycles."""
        array = samples((40, 30), "<f4", 3, special=False)
        outputs = [Output(ArraySink(np.empty_like(array)))]
        gone = threading.Event()
        weakref.finalize(outputs[0].sink.region(Box.whole(array.shape)).base, gone.set)
        gc.collect()
        gc.disable()
        try:
            request = Request(job_for(array, 1.0), ArraySource(array), (9, 8))
            run(request, lambda _: outputs.pop(), engine, Heard())
            assert gone.wait(60)
        finally:
            gc.enable()

    def test_an_output_in_another_byte_order(self, engine: Engine) -> None:
        """The sink says how its bytes lie."""
        array = samples((20, 20), "<i4", 4, special=False)
        out = np.empty(array.shape, ">i4")
        request = Request(job_for(array, 2), ArraySource(array), (7, 7))
        run(request, lambda _: Output(ArraySink(out)), engine, Heard())
        assert_same_bits(out, ndimage.gaussian_filter(array, 2).astype(">i4"))

    @pytest.mark.parametrize("tile", [(30, 20), (3, 4)], ids=["one tile", "50 tiles"])
    def test_each_tile_is_told_and_written_once(self, engine: Engine, tile: Any) -> None:
        """Sent, answered, stored; the regions of the plan and no others; the bytes add up."""
        array = samples((30, 20), "<f8", 5, special=False)
        heard, sink = Heard(), CountingSink(np.empty_like(array))
        request = Request(job_for(array, 1), ArraySource(array), tile)
        plan = run(request, lambda _: Output(sink), engine, heard)
        sent, stored = heard.of(TileSent), heard.of(TileStored)
        assert {event.tile for event in sent} == set(range(len(plan)))
        assert sorted(event.tile for event in stored) == list(range(len(plan)))
        assert sum(event.bytes_out for event in stored) == plan.bytes_out
        for event in stored:
            first = next(each for each in sent if each.tile == event.tile)
            told = next(e for e in heard.of(TileAnswered) if e.tile == event.tile)
            assert told.computing_s is not None
            assert told.computing_s >= 0
            places = [heard.events.index(each) for each in (first, told, event)]
            assert places == sorted(places)
        assert sink.stored == Counter(t.write for t in plan)
        assert sink.ended == ["commit"]

    def test_the_story_of_a_run(self, engine: Engine) -> None:
        """Workers are ready before the run starts, and every worker that is told of is one."""
        array = samples((30, 20), "<f8", 6, special=False)
        heard = Heard()
        request = Request(job_for(array, 1), ArraySource(array), (5, 5))
        run(request, lambda _: Output(CountingSink(np.empty_like(array))), engine, heard)
        ready = {event.worker for event in heard.of(WorkerReady)}
        assert {event.worker for event in heard.of(TileStored)} <= ready
        (started,) = heard.of(RunStarted)
        assert isinstance(heard.events[0], WorkerReady)
        assert started.tiles == 24
        assert heard.events[-1] == RunFinished(error=None)

    def test_capacity(self, engine: Engine) -> None:
        """An engine computes at least one tile at a time, of at least one byte."""
        capacity = engine.prepare(job_for(np.zeros(3), 1), [].append)
        assert capacity.slots >= 1
        assert capacity.tile_bytes >= 1

    def test_one_engine_for_many_runs(self, engine: Engine) -> None:
        """An engine is used again, with another job and after an empty one."""
        for shape, sigma in (((9, 9), 1.0), ((0, 4), 1.0), ((12,), 2.0), ((9, 9), 1.0)):
            array = samples(shape, "<f4", 7, special=False)
            out = np.empty_like(array)
            request = Request(job_for(array, sigma), ArraySource(array), (4,) * len(shape))
            run(request, lambda _, out=out: Output(ArraySink(out)), engine, Heard())
            assert_same_bits(out, ndimage.gaussian_filter(array, sigma))

    @pytest.mark.parametrize("bad", [0, 1000], ids=["first tile", "a tile amid"])
    def test_a_source_that_fails(self, bad: int) -> None:
        """Its error comes out, the output is discarded, and the rest is not computed."""
        source = FailingSource(np.zeros(4000), bad)
        heard, sink = Heard(), CountingSink(np.empty(4000))
        others = set(threading.enumerate())
        request = Request(job_for(source.array, 0.3), source, (1,))
        with self.making() as engine:
            slots = engine.prepare(request.job, [].append).slots
            with pytest.raises(StoreError, match="can't be read"):
                run(request, lambda _: Output(sink), engine, heard)
            told, stored = len(heard.events), sum(sink.stored.values())
        for thread in set(threading.enumerate()) - others:
            thread.join(60)
            assert not thread.is_alive(), "a thread of the engine goes on"
        assert sink.ended == ["discard"]
        assert heard.events[-1] == RunFinished(error="sample can't be read")
        assert len(heard.events) == told
        assert sum(sink.stored.values()) <= stored + slots
        assert len(source.reads_after) < 2000
        assert len(heard.of(TileStored)) < 3500
