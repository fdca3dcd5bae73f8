"""The dask engine on real clusters of processes: the contract of engines, and what goes wrong."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

import dask
import numpy as np
import pytest
from distributed import Client
from scipy import ndimage

from coordinator.api.fleet import Fleet
from coordinator.dispatch.limits import Limits
from coordinator.engines import Engine
from coordinator.engines.dask import cluster as clusters
from coordinator.engines.dask.connection import LOG_OF_MESSAGES, connected
from coordinator.engines.dask.engine import DaskEngine
from coordinator.engines.dask.remote import compute, trouble
from coordinator.errors import InputError, NoWorkerError, TileFailedError
from coordinator.events import Event, TileStored, WorkerLost, WorkerReady
from coordinator.journal.digests import Seals
from coordinator.run.output import Output
from coordinator.run.request import Request
from coordinator.run.run import run
from coordinator.stores.memory import ArraySink, ArraySource
from tests.contracts.engine import EngineContract, Heard, job_for
from tests.support.dask_cluster import dask_cluster
from tests.support.documents import free_ports
from tests.support.equality import assert_same_bits
from tiling.geometry.box import Box
from tiling.geometry.grid import Grid
from tiling.geometry.halo import Halo
from tiling.geometry.plan import Plan

X = np.random.default_rng(0).normal(size=(300, 200)).astype(np.float32)
QUICK = Limits(fleet_timeout_s=1.0, start_timeout_s=3.0)


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with dask_cluster(2) as client:
        yield client


class TestContract(EngineContract):
    """What every engine must do."""

    @pytest.fixture(autouse=True)
    def _use(self, client: Client) -> None:
        self.client = client

    @contextmanager
    def making(self) -> Iterator[Engine]:
        engine = DaskEngine(self.client)
        yield engine
        engine.close()


ROWS: list[tuple[str, dict[str, Any]]] = [
    ("gaussian_filter", {"sigma": 2, "mode": "wrap"}),
    ("uniform_filter", {"size": 5}),
    ("binary_fill_holes", {}),
    ("binary_erosion", {"iterations": 2, "mask": np.ones(X.shape)}),
]


@pytest.mark.parametrize(("name", "parameters"), ROWS, ids=[name for name, _ in ROWS])
def test_a_fleet_on_a_cluster(client: Client, name: str, parameters: dict[str, Any]) -> None:
    """Filters of one stage and of several, each tile once more here; the client stays open."""
    with Fleet.on(client, verify=1.0) as fleet:
        got = getattr(fleet, name)(X, **parameters, tile=70)
        assert "2 workers (tcp://" in repr(fleet)
    assert_same_bits(got, getattr(ndimage, name)(X, **parameters))
    assert len(client.scheduler_info()["workers"]) == 2
    with pytest.raises(InputError, match="closed"):
        fleet.gaussian_filter(X, 1)


def test_nothing_is_left_in_the_cluster(client: Client) -> None:
    """No result is kept when a run is over."""
    with Fleet.on(client) as fleet:
        fleet.gaussian_filter(X, 2, tile=50)

    def left() -> Any:
        return client.run_on_scheduler(lambda dask_scheduler: list(dask_scheduler.tasks))

    deadline_s = time.monotonic() + 60
    while left() and time.monotonic() < deadline_s:
        time.sleep(0.05)
    assert left() == []


@dataclass(frozen=True)
class Watched(ArraySource):
    """A source that knows which blocks are still in memory."""

    blocks: list[weakref.ref[Any]] = field(default_factory=list)

    def read(self, box: Box) -> Any:
        block = self.array[box.slices].copy()
        self.blocks.append(weakref.ref(block))
        return block


def test_nothing_is_left_of_blocks(client: Client) -> None:
    """Dask keeps the last messages of a connection; from the command line it keeps none."""
    source = Watched(X)
    request = Request(job_for(X, 2.0), source, (10, 10))
    address = client.scheduler.address.replace("tcp:", "dask:")
    with dask.config.set({LOG_OF_MESSAGES: 1000}), connected(address) as own:
        engine = DaskEngine(own)
        run(request, lambda _: Output(ArraySink(np.empty_like(X))), engine, Heard())
        engine.close()
        deadline_s = time.monotonic() + 60
        while left(source) and time.monotonic() < deadline_s:
            time.sleep(0.05)
        assert len(source.blocks) >= 600
        assert left(source) == 0


def left(source: Watched) -> int:
    return sum(block() is not None for block in source.blocks)


def test_what_is_no_client() -> None:
    """It is refused with what is wanted."""
    with pytest.raises(InputError, match=r"distributed\.Client"):
        Fleet.on("scheduler:8786")
    with pytest.raises(InputError, match="function of a time"):
        Fleet.on(None, listen=3)  # type: ignore[arg-type]


def test_a_client_that_is_closed(client: Client) -> None:
    """It is said so, before a run and when it is handed over."""
    with Client(client.scheduler.address) as closed:
        fleet = Fleet.on(closed)
    for attempt in (lambda: fleet.gaussian_filter(X, 2), lambda: Fleet.on(closed)):
        with pytest.raises(NoWorkerError, match="is closed: make a new one"):
            attempt()
    fleet.close()


def test_a_worker_without_tilefan(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence each, with what to do, and no traceback."""
    monkeypatch.setattr(clusters, "PACKAGE", "tilefan-that-nobody-has")
    with pytest.raises(NoWorkerError, match=r"tcp://.*: has no tilefan: pip install tilefan==\d"):
        Fleet.on(client).gaussian_filter(X, 2)


def test_a_worker_that_can_not_introduce_itself(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has a broken SciPy, say: its own words are told, and nobody waits for it."""
    monkeypatch.setattr(clusters, "introduce", lambda _: 1 // 0)
    with pytest.raises(NoWorkerError, match=r"tcp://.*: ZeroDivisionError: integer division"):
        Fleet.on(client).gaussian_filter(X, 2)


def test_other_versions_and_other_bits(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker with other packages than here, or that computes otherwise, gets no tile."""
    here = {**clusters.versions(), "numpy": "1.2.3"}
    monkeypatch.setattr(clusters, "versions", lambda: here)
    with pytest.raises(NoWorkerError, match=r"has numpy 2\..*, and here is 1\.2\.3"):
        Fleet.on(client).gaussian_filter(X, 2)
    monkeypatch.undo()
    monkeypatch.setattr(clusters, "attestation_error", lambda *_: "computes other bits")
    with pytest.raises(NoWorkerError, match="computes other bits"):
        Fleet.on(client).gaussian_filter(X, 2)
    assert clusters._other_version("0.0.1").startswith("has tilefan 0.0.1, and here is")


def test_answers_are_not_believed() -> None:
    """Another thing, another block, another shape, and bytes that were changed on the way."""
    job = job_for(X, 1.0)
    tile = Plan(Grid(X.shape, (100, 100)), job.halo, (False, False), 4, 4)[0]
    assert isinstance(job.halo, Halo)
    block = X[tile.read.slices].copy()
    seals, good = Seals(job), compute(job.encode(), tile, block)
    assert trouble(seals, tile, good.asked, good) == ""
    assert "not a tile" in trouble(seals, tile, good.asked, 3)
    assert "another block" in trouble(seals, tile, "0" * 32, good)
    short = replace(good, block=good.block[1:])
    assert "(99, 100)" in trouble(seals, tile, good.asked, short)
    changed = replace(good, block=good.block + 1)
    assert "bytes" in trouble(seals, tile, good.asked, changed)


# What goes wrong


class Acting(Heard):
    """A listener that does something once, after so many tiles were stored."""

    def __init__(self, after: int, act: Callable[[], object]) -> None:
        super().__init__()
        self.after, self.act = after, act

    def __call__(self, at: float, event: Event) -> None:
        super().__call__(at, event)
        if isinstance(event, TileStored):
            self.after -= 1
            if not self.after:
                self.act()


def filtered(client: Client, heard: Heard, limits: Limits | None = None, tile: int = 10) -> Any:
    out = np.empty_like(X)
    engine = DaskEngine(client, limits)
    request = Request(job_for(X, 2.0), ArraySource(X), (tile, tile))
    try:
        run(request, lambda _: Output(ArraySink(out)), engine, heard)
    finally:
        engine.close()
    return out


def kill_one(client: Client) -> None:
    """Kill the process of a worker; return when its nanny has started another."""
    processes = client.run(os.getpid)
    worker = next(iter(processes))
    os.kill(processes[worker], signal.SIGKILL)
    while len(present := client.run(os.getpid, on_error="ignore")) < 2 or worker in present:
        time.sleep(0.05)


WANT = ndimage.gaussian_filter(X, 2.0)


def test_workers_that_are_killed_or_restarted() -> None:
    """Tiles go elsewhere, and those who come in their places get tiles too."""
    with dask_cluster(2) as client:
        for act, lost in ((lambda: kill_one(client), 1), (client.restart, 2)):
            first = set(client.run(os.getpid))
            heard = Acting(30, act)
            assert_same_bits(filtered(client, heard), WANT)
            assert len({event.worker for event in heard.of(WorkerLost)} & first) == lost
            new = {event.worker for event in heard.of(WorkerReady)} - first
            assert len(new) == lost
            assert new <= {event.worker for event in heard.of(TileStored)}


def test_a_cluster_without_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody comes; a cluster that adapts sends one; and when all have left the run is over."""
    with dask_cluster(0) as client:
        with monkeypatch.context() as patches:
            patches.setattr(clusters, "ARRIVES_S", 0.1)
            with pytest.raises(NoWorkerError, match=r"it has none, and none came within"):
                filtered(client, Heard())
        adaptive = client.cluster.adapt(minimum=0, maximum=1, interval="100ms", wait_count=100)
        assert_same_bits(filtered(client, Heard()), WANT)
        adaptive.stop()
        client.cluster.scale(1)
        client.wait_for_workers(1)
        heard = Acting(10, lambda: client.cluster.scale(0))
        with pytest.raises(TileFailedError, match="the fleet was lost"):
            filtered(client, heard, QUICK, tile=5)


def test_a_client_that_is_closed_meanwhile() -> None:
    """The run says so at once: nobody can come back."""
    with dask_cluster(1) as other:
        client = Client(other.cluster)
        heard = Acting(10, client.close)
        with pytest.raises(NoWorkerError, match="the client of the dask cluster is closed"):
            filtered(client, heard, tile=5)


def test_a_scheduler_that_is_killed() -> None:
    """The run ends with the code of a lost fleet."""
    (port,) = free_ports(1)
    dask = [sys.executable, "-m", "dask"]
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    address = f"tcp://127.0.0.1:{port}"
    scheduler = subprocess.Popen(
        [*dask, "scheduler", "--host", "127.0.0.1", "--port", f"{port}", "--no-dashboard"], **silent
    )
    worker = subprocess.Popen(
        [*dask, "worker", address, "--no-nanny", "--nthreads", "1", "--no-dashboard"], **silent
    )
    try:
        with Client(address, timeout=60) as client:
            client.wait_for_workers(1, timeout=60)
            heard = Acting(10, scheduler.kill)
            lost = r"the fleet was lost\n.*: the scheduler of the dask cluster does not answer"
            with pytest.raises(TileFailedError, match=lost) as caught:
                filtered(client, heard, QUICK, tile=5)
            assert "dashboard" in str(caught.value)
            assert "coord doctor" not in str(caught.value)
            with suppress(Exception):
                client.close(timeout=1)
    finally:
        for process in (worker, scheduler):
            process.kill()
            process.wait()
