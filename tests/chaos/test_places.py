"""Stores that fail where workers use them: the bits are right, or a sentence says why."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from coordinator.engines.http import places
from coordinator.errors import StoreError, TilefanError, VerifyError
from coordinator.events import FailureKind, TileFailed, TileStored, WorkerPlaces
from coordinator.journal.records import Finished
from coordinator.stores import nonce
from coordinator.stores.nonce import Nonce
from coordinator.workflows.filter_file import filter_chain
from coordinator.workflows.run_options import Placement, RunOptions, Storing
from tests.chaos.runs import Leaks, Task, finish
from tests.support.by_reference import Told, blur, filtered
from tests.support.coordinators import wait_until
from tests.support.equality import assert_same_bits
from tests.support.formats import ZARR
from tests.support.processes import running_workers

ONE = ("--threads", "1", "--kernel", "reference")
X = np.random.default_rng(6).random((200, 240))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    try:
        done = subprocess.run(mount, check=False, capture_output=True).returncode
    except OSError:
        done = 1
    if done:
        pytest.skip("nothing can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False, capture_output=True)


def test_a_full_disk(small_disk: Path, tmp_path: Path) -> None:
    """Exit 7 with the reason; when there is room, the run is resumed."""
    ZARR.require()
    np.save(tmp_path / "in.npy", X)
    target, storing = small_disk / "out.zarr", Storing(chunks=(25, 48), codec="none")
    (small_disk / "ballast").write_bytes(bytes(2**19 + 2**18))
    served = "--serve-from", str(tmp_path)
    with running_workers(2, *ONE, *served) as workers:
        hosts = [worker.address for worker in workers]

        def go(**options: Any) -> Told:
            source = tmp_path / "in.npy"
            return filtered(
                blur(), source, target, hosts, tile=(25, 48), storing=storing, **options
            )

        with pytest.raises(StoreError, match="No space left on device") as caught:
            go()
        assert caught.value.exit_code == 7
        assert not target.exists()
        (small_disk / "ballast").unlink()
        go(resume=True)
    assert_same_bits(ZARR.load(target), ndimage.gaussian_filter(X, 2.0))
    assert [path.name for path in small_disk.iterdir() if path.name != "out.zarr"] == []


def test_a_worker_that_may_not_write(tmp_path: Path) -> None:
    """What the worker alone can't write comes back as bytes, and one line says so."""
    ZARR.require()
    np.save(tmp_path / "in.npy", X)
    limited = ("prlimit", "--fsize=4096:4096")
    storing = Storing(chunks=(25, 48), codec="none")
    target = tmp_path / "out.zarr"
    served = "--serve-from", str(tmp_path)
    with running_workers(1, *ONE, *served, within=limited) as (worker,):
        told = filtered(
            blur(), tmp_path / "in.npy", target, [worker.address], tile=(25, 48), storing=storing
        )
    first, *others = told.places
    assert (first.reads, first.writes) == (True, True)
    assert {(each.reads, each.writes) for each in others} == {(True, False)}
    assert "File too large" in others[0].reason
    assert told.of(TileFailed) == []
    assert told.body_bytes == X.nbytes
    assert_same_bits(ZARR.load(target), ndimage.gaussian_filter(X, 2.0))
    assert not any(path.name.endswith("__lock") for path in target.rglob("*"))


def test_a_store_that_vanishes(small_disk: Path) -> None:
    """It ends in bounded time, with a documented exit code; nothing hangs or is left open."""
    leaks = Leaks()
    assert code_without_the_store(small_disk) in (2, 3, 4, 7)
    leaks.check()


def code_without_the_store(folder: Path) -> int:
    """Return how a run ends whose files vanish; nothing of it is kept."""
    task = Task.make(folder, X[:100], 60.0, (10, 48))
    with running_workers(2, *ONE, *task.served) as workers:
        run, thread = task.start([worker.address for worker in workers])
        wait_until(lambda: run.stored >= 2, "two tiles are stored")
        subprocess.run(["umount", "-l", str(folder)], check=True)
        finish(run, thread)
        assert isinstance(run.error, TilefanError), run.error
        assert all(worker.process.poll() is None for worker in workers)
        return int(run.error.exit_code)


@pytest.mark.parametrize("kind", [".npy", ".zarr"])
@pytest.mark.parametrize("seed", range(2))
def test_killed_while_they_write(tmp_path: Path, seed: int, kind: str) -> None:
    """Three of four workers die one after another; the rest makes the output whole."""
    if kind == ".zarr":
        ZARR.require()
    np.save(tmp_path / "in.npy", X)
    target = tmp_path / f"out{kind}"
    storing = Storing(chunks=(10, 12)) if kind == ".zarr" else Storing()
    stored = threading.Semaphore(0)
    with running_workers(4, *ONE, "--serve-from", str(tmp_path)) as workers:

        def kill() -> None:
            for worker in workers[:3]:
                for _ in range(5 + 7 * seed):
                    stored.acquire(timeout=30)
                worker.send(signal.SIGKILL)

        killer = threading.Thread(target=kill)
        killer.start()
        filtered(
            blur(4.0),
            tmp_path / "in.npy",
            target,
            [worker.address for worker in workers],
            tile=(10, 12),
            storing=storing,
            hear=lambda _: stored.release(),
        )
        killer.join()
    got = ZARR.load(target) if kind == ".zarr" else np.load(target)
    assert_same_bits(got, ndimage.gaussian_filter(X, 4.0))
    assert {path.name for path in tmp_path.iterdir()} == {"in.npy", target.name}
    assert not any(path.name.endswith("__lock") for path in tmp_path.rglob("*"))


def test_a_worker_that_writes_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The output is not finished while one may still write; it is kept, and resumed later."""
    monkeypatch.setattr(nonce, "WAIT_S", 0.5)
    np.save(tmp_path / "in.npy", X)
    target = tmp_path / "out.npy"
    held: list[int] = []

    def hold(event: object) -> None:
        if isinstance(event, WorkerPlaces) and not held:
            held.append(os.open(tmp_path / ".out.npy.place", os.O_RDONLY))
            fcntl.flock(held[0], fcntl.LOCK_SH)

    with running_workers(1, *ONE, "--serve-from", str(tmp_path)) as (worker,):
        with pytest.raises(StoreError, match="a worker has been writing a tile for") as caught:
            filtered(blur(), tmp_path / "in.npy", target, [worker.address], hear=hold)
        assert "go on with" in "".join(getattr(caught.value, "__notes__", []))
        os.close(held[0])
        filtered(blur(), tmp_path / "in.npy", target, [worker.address], resume=True)
    assert_same_bits(np.load(target), ndimage.gaussian_filter(X, 2.0))


@pytest.mark.parametrize("name", ["out.npy", "out.zarr"])
def test_workers_of_a_killed_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """They write no more into what a later run has begun, though it sends no tile by reference."""
    if name == "out.zarr":
        ZARR.require()
    monkeypatch.setattr(nonce, "WAIT_S", 0.2)
    np.save(tmp_path / "in.npy", X)
    target, hidden = tmp_path / name, tmp_path / f".{name}.place"
    nonce.Nonce.plant(hidden)  # what a run left that was killed
    options = RunOptions(style="none")
    with hidden.open("rb") as writing:
        fcntl.flock(writing, fcntl.LOCK_SH)
        with pytest.raises(StoreError, match="a worker has been writing a tile for"):
            filter_chain(blur(), tmp_path / "in.npy", target, options)
    filter_chain(blur(), tmp_path / "in.npy", target, options)
    assert {path.name for path in tmp_path.iterdir()} == {"in.npy", name}


def test_a_worker_that_is_greeted_too_late(tmp_path: Path) -> None:
    """Nothing is planted for it beside an output whose run is over."""
    np.save(tmp_path / "in.npy", X)
    late: list[places.Places] = []
    before = places.Places.offer_to_all

    def forget(self: Any, _: Any, threads: Any) -> Any:
        late.append(self)
        return before(self, (), threads)

    with pytest.MonkeyPatch.context() as patch, running_workers(1, *ONE) as (worker,):
        patch.setattr(places.Places, "offer_to_all", forget)
        filtered(blur(), tmp_path / "in.npy", tmp_path / "out.npy", [worker.address])
    client = SimpleNamespace(serves_places=True, host=SimpleNamespace(paths={}))
    with pytest.raises(StoreError, match="the run is over"):
        late[0].offer_to("late", client)  # type: ignore[arg-type]
    assert {path.name for path in tmp_path.iterdir()} == {"in.npy", "out.npy"}


def test_other_bits_than_were_answered(tmp_path: Path) -> None:
    """Of a tile that several workers may have written, the output is read again: exit 5."""
    np.save(tmp_path / "in.npy", X)
    target = tmp_path / "out.npy"
    before = places.Places.close

    def spoil(self: Any) -> None:
        [partial] = tmp_path.glob(".out.npy.partial")
        with partial.open("r+b") as file:
            file.seek(-8, os.SEEK_END)
            file.write(b"x")
        self._twice[3] = noted[3]
        before(self)

    noted: dict[int, Any] = {}
    answered = places.Places.answered

    def note(self: Any, finished: Finished, *, stored: bool) -> None:
        noted[finished.tile] = finished
        answered(self, finished, stored=stored)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(places.Places, "close", spoil)
        patch.setattr(places.Places, "answered", note)
        with (
            running_workers(1, *ONE, "--serve-from", str(tmp_path)) as (worker,),
            pytest.raises(VerifyError, match="tile 3 was sent to several workers") as caught,
        ):
            filtered(blur(), tmp_path / "in.npy", target, [worker.address], tile=(100, 120))
    assert caught.value.exit_code == 5
    assert {path.name for path in tmp_path.iterdir()} == {"in.npy"}


def test_two_coordinators(tmp_path: Path) -> None:
    """The second is refused, and takes nothing away from the first."""
    task = Task.make(tmp_path, X, 60.0, (25, 48))
    with running_workers(2, *ONE, *task.served) as workers:
        hosts = [worker.address for worker in workers]
        run, thread = task.start(hosts)
        wait_until(lambda: run.stored >= 2, "two tiles are stored")
        with pytest.raises(StoreError, match="another coordinator is writing it"):
            filtered(blur(), task.source, task.target, hosts)
        finish(run, thread)
        assert run.error is None, run.error
        # The other one greets the same workers, and perhaps finds a slot before this one does.
        assert {each.kind for each in run.told(TileFailed)} <= {FailureKind.BUSY}
        assert task.check(run, hosts)


@pytest.mark.parametrize("kind", [".npy", ".zarr"])
@pytest.mark.parametrize("resume", [False, True], ids=["anew", "resumed"])
def test_a_late_tile_of_a_killed_run(tmp_path: Path, kind: str, resume: bool) -> None:
    """It is not written into the output of another run, though that needs no nonce itself."""
    if kind == ".zarr":
        ZARR.require()
    np.save(tmp_path / "in.npy", X)
    target, late = tmp_path / f"out{kind}", tmp_path / f".out{kind}.place"
    there: list[bool] = []

    def look(event: object) -> None:
        if isinstance(event, TileStored):
            there.append(late.exists())

    Nonce.plant(late)
    placement = Placement(tile=(50, 48))
    storing = Storing(chunks=(50, 48)) if kind == ".zarr" else Storing()
    options = RunOptions(
        placement, style="none", storing=storing, resume=resume, log=lambda _, event: look(event)
    )
    filter_chain(blur(), tmp_path / "in.npy", target, options)
    assert there == [False] * 20
    assert {path.name for path in tmp_path.iterdir()} == {"in.npy", target.name}
