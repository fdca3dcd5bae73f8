"""Work that is heavy for its bytes: real workers with a kernel that sleeps."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from coordinator.api.arrays import filter_array
from coordinator.api.fleet import Fleet
from coordinator.dispatch.limits import Limits
from coordinator.display.tally import Tally
from coordinator.engines.http.engine import HttpEngine
from coordinator.events import (
    Event,
    RunStarted,
    TileComputing,
    TileFailed,
    TileHedged,
    TileSent,
    TileStored,
)
from coordinator.history.history import State
from coordinator.hosts.hosts_file import parse_hosts
from tests.support.equality import assert_same_bits
from tests.support.hostile_worker import always_busy, hostile_worker, never
from tests.support.processes import WorkerProcess, running_workers
from tests.support.slow_worker import SAMPLE_S

X = np.random.default_rng(0).random((96, 80), np.float32)
WANT = ndimage.median_filter(X, 3)


@contextmanager
def slow_workers(
    count: int, seconds: float, *arguments: str, samples: int = X.size
) -> Iterator[list[WorkerProcess]]:
    """Run workers each of which would take so many seconds for all samples."""
    env = {SAMPLE_S: str(seconds / samples)}
    arguments = ("--threads", "1", *arguments)
    with running_workers(count, *arguments, env=env, module="tests.support.slow_worker") as workers:
        yield workers


class Heard:
    """A listener that keeps the events, with their times."""

    def __init__(self) -> None:
        self.events: list[tuple[float, Event]] = []

    def __call__(self, at: float, event: Event) -> None:
        self.events.append((at, event))

    def of(self, *kinds: type) -> list[Event]:
        return [event for _, event in self.events if isinstance(event, kinds)]


def median(
    addresses: Sequence[str], tile: int | None = None, limits: Limits | None = None
) -> Heard:
    """Filter `X` on a fleet, and check the bits."""
    heard = Heard()
    engine = HttpEngine(parse_hosts(addresses), limits=limits)
    try:
        got = filter_array(engine, heard, [("median_filter", {"size": 3})], X, tile)
    finally:
        engine.close()
    assert_same_bits(got, WANT)
    return heard


def addresses_of(workers: Sequence[WorkerProcess]) -> list[str]:
    return [worker.address for worker in workers]


def test_a_tile_may_take_longer_than_any_deadline() -> None:
    """Each takes longer than a worker may be silent; none is sent twice."""
    limits = Limits(deadline_base_s=3.0, hedge_copies=1)
    with slow_workers(3, 24.0) as workers:
        heard = median(addresses_of(workers), 40, limits)
    sent = heard.of(TileSent)
    assert len(sent) == len({event.tile for event in sent}) > 3  # type: ignore[union-attr]
    assert not heard.of(TileFailed)


def test_heavy_work_is_cut_whatever_its_bytes() -> None:
    """Thirty kilobytes that take seconds are several tiles for each slot."""
    with slow_workers(3, 4.0) as workers:
        heard = median(addresses_of(workers))
    (started,) = heard.of(RunStarted)
    assert isinstance(started, RunStarted)
    assert started.tiles >= 12


def test_progress_moves_before_the_first_tile_is_done() -> None:
    """All tiles are in flight at once; the bar moves, and nobody who computes looks ill."""
    tally, seen = Tally(), []
    with slow_workers(3, 9.0) as workers:
        heard = median(addresses_of(workers), 48)
    for at, event in heard.events:
        tally.handle(at, event)
        if isinstance(event, TileComputing):
            done, whole = tally.progress()
            seen.append((tally.stored, done / whole, tally.left_s(at)))
            assert tally.workers[event.worker].state in (State.WORKING, State.READY)
    first = [(share, left_s) for stored, share, left_s in seen if not stored]
    assert first
    assert max(share for share, _ in first) > 0.2
    assert any(left_s is not None for _, left_s in first)
    assert tally.progress()[0] == tally.progress()[1]


def test_many_fleets_at_once_are_all_greeted() -> None:
    """Twenty coordinators on two workers, all at the same time."""
    with slow_workers(2, 0.2) as workers, ThreadPoolExecutor(20) as pool:
        addresses = addresses_of(workers)
        start = threading.Barrier(20)

        def filter_once(_: int) -> np.ndarray:
            with Fleet(addresses) as fleet:
                start.wait()
                return fleet.median_filter(X, 3)

        for got in pool.map(filter_once, range(20)):
            assert_same_bits(got, WANT)


def test_slots_that_are_claimed_make_no_tiles() -> None:
    """A worker that claims 1,024 and turns everything away costs next to nothing."""
    with slow_workers(1, 1.0) as workers, hostile_worker(always_busy, 1024) as hostile:
        heard = median([*addresses_of(workers), hostile.address])
    (started,) = heard.of(RunStarted)
    assert isinstance(started, RunStarted)
    assert started.tiles <= 200


@pytest.mark.parametrize("slots", [1, 2, 4])
def test_a_worker_that_never_answers_is_hedged(slots: int) -> None:
    """Four tiles: those that it sits on go to the idle one, long before any deadline."""
    with slow_workers(1, 0.4) as workers, hostile_worker(never, slots) as hostile:
        began_s = time.monotonic()
        heard = median([*addresses_of(workers), hostile.address], 48)
        took_s = time.monotonic() - began_s
    assert heard.of(TileHedged)
    assert took_s < 20.0  # the deadline alone is 30


def test_a_small_job_beside_a_large_one() -> None:
    """It does not wait until the large one is over."""
    with slow_workers(1, 15.0) as workers:
        addresses = addresses_of(workers)
        large = threading.Thread(target=median, args=(addresses, 8))
        large.start()
        time.sleep(2.0)
        small = X[:16, :16].copy()
        with Fleet(addresses) as fleet:
            assert_same_bits(fleet.median_filter(small, 3), ndimage.median_filter(small, 3))
        assert large.is_alive()
        large.join()


def test_what_is_abandoned_is_not_computed() -> None:
    """A run that is interrupted leaves a free worker."""
    slow = 60.0
    with slow_workers(1, slow) as workers:
        addresses = addresses_of(workers)
        engine = HttpEngine(replace(parse_hosts(addresses)))

        def stop(_: float, event: Event) -> None:
            if isinstance(event, TileComputing):
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            filter_array(engine, stop, [("median_filter", {"size": 3})], X, 96)
        engine.close()
        began_s = time.monotonic()
        small = X[:8, :8].copy()
        with Fleet(addresses) as fleet:
            assert_same_bits(fleet.median_filter(small, 3), ndimage.median_filter(small, 3))
        assert time.monotonic() - began_s < slow / 4


def test_stored_tiles_are_all_there() -> None:
    """A hedge that wins, and tiles that move, leave one stored tile for each of the plan."""
    with slow_workers(2, 1.0) as workers:
        heard = median(addresses_of(workers), 16)
    assert len(heard.of(TileStored)) == 30
