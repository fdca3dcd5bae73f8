"""Real worker processes that die, freeze, crawl, vanish and come back, while tiles are theirs."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from coordinator.errors import NoWorkerError, TileFailedError
from coordinator.events import TileHedged, TileSent, WorkerBack, WorkerLost
from tests.chaos.proxy import Fault, Kind, ProxyGroup, Script, open_proxies
from tests.chaos.runs import HANGS_S, IMPATIENT, Leaks, Task, finish
from tests.support.coordinators import wait_until
from tests.support.processes import WorkerProcess, running_workers

ARGUMENTS = ("--threads", "1", "--kernel", "reference")


@pytest.fixture
def proxies() -> Iterator[ProxyGroup]:
    leaks = Leaks()
    with open_proxies() as opened:
        yield opened
    leaks.check()


@pytest.fixture(params=["never", "auto"], ids=["bytes", "by reference"])
def work(tmp_path: Path, request: pytest.FixtureRequest) -> Task:
    """Forty tiles, each of which takes a worker tens of milliseconds."""
    array = np.random.default_rng(5).random((200, 240))
    return Task.make(tmp_path, array, 60.0, (25, 48), by_reference=request.param)


def run_and_act(
    work: Task,
    workers: list[WorkerProcess],
    act: Callable[[WorkerProcess], None],
    *,
    survivors: list[WorkerProcess] | None = None,
) -> None:
    """Run; once the first worker has a tile, act; check the result."""
    addresses = [worker.address for worker in workers]
    run, thread = work.start(addresses)
    first = workers[0]
    wait_until(lambda: run.stored >= 2 and run.waits_for(first.address), "it has a tile")
    act(first)
    finish(run, thread)
    assert run.error is None, run.error
    assert work.check(run, [worker.address for worker in survivors or workers])


def test_killed_in_the_middle_of_a_tile(work: Task) -> None:
    """The others do its tiles."""
    with running_workers(3, *work.served, *ARGUMENTS) as workers:
        run_and_act(work, workers, lambda first: first.send(signal.SIGKILL), survivors=workers[1:])


def test_frozen_for_good(work: Task) -> None:
    """A stopped process keeps its connections open and says nothing; its tiles go elsewhere."""
    with running_workers(3, *work.served, *ARGUMENTS) as workers:
        run_and_act(work, workers, lambda first: first.send(signal.SIGSTOP), survivors=workers[1:])


def test_frozen_and_thawed(work: Task) -> None:
    """What it answers after all is late, and the same; it is used again."""
    with running_workers(2, *work.served, *ARGUMENTS) as workers:
        first, second = workers
        run, thread = work.start([first.address, second.address])
        wait_until(lambda: run.stored >= 2 and run.waits_for(first.address), "it has a tile")
        first.send(signal.SIGSTOP)
        wait_until(lambda: bool(run.told(WorkerLost) or run.told(TileHedged)), "it was noticed")
        first.send(signal.SIGCONT)
        finish(run, thread)
        assert run.error is None, run.error
        assert work.check(run, [second.address])


def test_ten_times_slower(work: Task, proxies: ProxyGroup) -> None:
    """A worker whose answers are late does not keep the others waiting for the last tile."""
    with running_workers(3, *work.served, *ARGUMENTS) as workers:
        slow = proxies.proxy(
            workers[0].address, lambda _: Script(back=Fault(Kind.LAG, seconds=0.3))
        ).address
        others = [worker.address for worker in workers[1:]]
        run = work.carry_out([slow, *others])
        assert work.check(run, others)
        assert len({event.worker for event in run.told(TileSent)}) == 3


def test_all_gone(work: Task) -> None:
    """Exit 4 and no file; what was finished is kept, and is good."""
    with running_workers(2, *work.served, *ARGUMENTS) as workers:
        run, thread = work.start([worker.address for worker in workers])
        wait_until(lambda: run.stored >= 2, "two tiles are stored")
        for worker in workers:
            worker.send(signal.SIGKILL)
        finish(run, thread)
    assert isinstance(run.error, TileFailedError)
    assert not work.target.exists()
    assert ".out.npy.journal" in work.left
    with running_workers(1, *work.served, *ARGUMENTS) as (helper,):
        assert not work.check(run, [helper.address])


def test_all_gone_before_the_start(work: Task) -> None:
    """Exit 3, each worker named, and nothing is left."""
    with running_workers(2, *work.served, *ARGUMENTS) as workers:
        addresses = [worker.address for worker in workers]
        for worker in workers:
            worker.stop(signal.SIGKILL)
    run = work.carry_out(addresses)
    assert isinstance(run.error, NoWorkerError)
    assert all(address in str(run.error) for address in addresses)
    assert work.left == set()


def test_the_whole_fleet_restarts(work: Task) -> None:
    """New processes at the same addresses know no job; the run goes on with them."""
    patient = replace(IMPATIENT, fleet_timeout_s=60.0, attempts=20, faulty_workers=20)
    with running_workers(2, *work.served, *ARGUMENTS) as workers:
        addresses = [worker.address for worker in workers]
        ports = [address.rpartition(":")[2] for address in addresses]
        run, thread = work.start(addresses, patient)
        wait_until(lambda: run.stored >= 2, "two tiles are stored")
        for worker in workers:
            worker.stop(signal.SIGKILL)
        with (
            running_workers(1, *work.served, *ARGUMENTS, "--port", ports[0]),
            running_workers(1, *work.served, *ARGUMENTS, "--port", ports[1]),
        ):
            finish(run, thread)
            assert run.error is None, run.error
            assert work.check(run, addresses)


def test_a_silent_partition(work: Task, proxies: ProxyGroup) -> None:
    """Nothing passes and connections stay: the worker is missed because it does not answer."""
    with running_workers(3, *work.served, *ARGUMENTS) as workers:
        proxy = proxies.proxy(workers[0].address)
        others = [worker.address for worker in workers[1:]]
        run, thread = work.start([proxy.address, *others])
        wait_until(lambda: run.stored >= 2 and run.waits_for(proxy.address), "it has a tile")
        proxies.partition(proxy)
        finish(run, thread)
        assert work.check(run, others)


def test_a_partition_of_the_only_worker_that_heals(work: Task, proxies: ProxyGroup) -> None:
    """With no other worker, the run waits for it, within its patience, and then goes on."""
    patient = replace(IMPATIENT, fleet_timeout_s=60.0)
    with running_workers(1, *work.served, *ARGUMENTS) as (only,):
        proxy = proxies.proxy(only.address)
        run, thread = work.start([proxy.address], patient)
        wait_until(lambda: run.stored >= 2 and run.waits_for(proxy.address), "it has a tile")
        proxies.partition(proxy)
        wait_until(lambda: bool(run.told(WorkerLost)), "it was missed")
        proxies.heal(proxy)
        finish(run, thread)
        assert work.check(run, [only.address])
        assert run.told(WorkerBack)


def test_a_partition_that_does_not_heal(work: Task, proxies: ProxyGroup) -> None:
    """The run gives up: exit 4, no file, and what was finished is kept."""
    with running_workers(1, *work.served, *ARGUMENTS) as (only,):
        proxy = proxies.proxy(only.address)
        run, thread = work.start([proxy.address])
        wait_until(lambda: run.stored >= 2 and run.waits_for(proxy.address), "it has a tile")
        proxies.partition(proxy)
        finish(run, thread)
        assert isinstance(run.error, TileFailedError)
        assert not work.check(run, [only.address])


def test_a_worker_that_is_asked_again_does_not_hold_up_the_end(work: Task) -> None:
    """When the last tile is stored, a greeting without an answer is dropped, not waited for."""
    patient = replace(IMPATIENT, greeting_s=1.5 * HANGS_S)
    with running_workers(2, *work.served, *ARGUMENTS) as workers:
        first, second = workers
        run, thread = work.start([first.address, second.address], patient)
        wait_until(lambda: run.stored >= 2 and run.waits_for(first.address), "it has a tile")
        first.send(signal.SIGSTOP)
        finish(run, thread)
        if run.error is not None:  # it was stopped in the very moment in which it wrote a tile
            assert "has been writing a tile" in str(run.error)
            first.send(signal.SIGCONT)
        assert work.check(run, [second.address]) == (run.error is None)


def test_a_worker_that_is_frozen_at_the_start_does_not_hold_it_up(work: Task) -> None:
    """One that is ready is enough to begin; who answers the greeting later, joins later."""
    patient = replace(IMPATIENT, greeting_s=1.5 * HANGS_S)
    with running_workers(2, *work.served, *ARGUMENTS) as workers:
        first, second = workers
        first.send(signal.SIGSTOP)
        run = work.carry_out([first.address, second.address], patient)
        assert work.check(run, [second.address])
        assert {event.worker for event in run.told(WorkerLost)} == {first.address}
