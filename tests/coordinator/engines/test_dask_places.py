"""Workers of a dask cluster open the files themselves, or are sent bytes as ever."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from distributed import Client
from scipy import ndimage

from coordinator.engines.dask import cluster, remote
from coordinator.engines.dask.engine import DaskEngine
from coordinator.errors import InputError, TileFailedError
from coordinator.events import Event, TileFailed, TileSent, TileStored, WorkerLost, WorkerReady
from coordinator.workflows.run_options import Storing
from places.roots import Roots
from tests.support.by_reference import Told, blur, filtered
from tests.support.dask_cluster import dask_cluster
from tests.support.equality import assert_same_bits
from tests.support.formats import HDF5, NPY, TIFF, ZARR, ZARR_2, Library
from tests.support.strategies import samples

X = samples((60, 50), "<f4", 1, special=False)
WANT = ndimage.gaussian_filter(X, 2.0, mode="wrap")
WRAPPED = blur(mode="wrap")
CHUNKED = Storing(chunks=(16, 16))


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with dask_cluster(2) as client:
        yield client


def address(client: Client) -> str:
    return str(client.scheduler.address).replace("tcp:", "dask:")


@pytest.mark.parametrize("library", [NPY, ZARR, ZARR_2, TIFF, HDF5], ids=lambda each: each.suffix)
def test_formats(client: Client, tmp_path: Path, library: Library) -> None:
    """No sample passes the coordinator, nor the scheduler."""
    library.require()
    source, target = tmp_path / f"in{library.suffix}", tmp_path / f"out{library.suffix}"
    library.save(source, X)
    (tmp_path / "linked").symlink_to(tmp_path)
    storing = CHUNKED if library in (ZARR, ZARR_2) else Storing()
    source = tmp_path / "linked" / source.name
    told = filtered(WRAPPED, source, target, address(client), tile=16, storing=storing)
    terms = [(each.reads, each.writes, each.reason) for each in told.places]
    assert terms == [(True, True, "")] * 2
    assert told.body_bytes == 0
    assert {sent.bytes_sent for sent in told.of(TileSent)} == {0}
    assert_same_bits(library.load(target), WANT)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        ["linked", source.name, target.name]
    )


def test_never(client: Client, tmp_path: Path) -> None:
    """Whoever does not want it gets bytes."""
    np.save(tmp_path / "in.npy", X)
    told = filtered(WRAPPED, tmp_path / "in.npy", tmp_path / "out.npy", address(client), "never")
    assert (told.places, told.body_bytes) == ([], X.nbytes)
    assert_same_bits(np.load(tmp_path / "out.npy"), WANT)
    links = [*WRAPPED, ("uniform_filter", {"size": 3})]
    with pytest.raises(InputError, match=r"by reference is required, and .* takes 2 stages"):
        filtered(links, tmp_path / "in.npy", tmp_path / "no.npy", address(client), "require")


def test_who_may_not_write(tmp_path: Path) -> None:
    """What a worker can't write comes back as bytes, and a line says so."""
    ZARR.require()
    np.save(tmp_path / "in.npy", X)
    with dask_cluster(1) as client:
        client.run(lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64)))
        told = filtered(
            *(WRAPPED, tmp_path / "in.npy", tmp_path / "out.zarr", address(client)),
            storing=CHUNKED,
        )
    assert [(each.reads, each.writes) for each in told.places][:2] == [(True, True), (True, False)]
    assert "File too large" in told.places[-1].reason
    assert told.of(TileFailed) == []
    assert told.body_bytes == X.nbytes
    assert_same_bits(ZARR.load(tmp_path / "out.zarr"), WANT)


@pytest.mark.parametrize("required", [False, True])
def test_who_may_not_read_any_more(tmp_path: Path, *, required: bool) -> None:
    """It is sent bytes from then on; if it must read itself, the run ends."""
    np.save(tmp_path / "in.npy", X)
    target = tmp_path / "out.npy"
    with dask_cluster(1) as client:

        def close(event: Event) -> None:
            if isinstance(event, TileStored):
                client.run(lambda: setattr(remote.places(), "_roots", Roots()))

        def go() -> Any:
            choice: Any = "require" if required else "auto"
            return filtered(
                *(WRAPPED, tmp_path / "in.npy", target, address(client), choice), 6, hear=close
            )

        if required:
            with pytest.raises(TileFailedError, match="serves no places"):
                go()
            assert not target.exists()
            return
        told = go()
    first, *_, last = told.places  # between them a tile may have been read, and not written
    assert (first.reads, last.reads) == (True, False)
    assert 0 < told.body_bytes < X.nbytes
    assert_same_bits(np.load(target), WANT)


def test_who_is_killed_while_it_writes(tmp_path: Path) -> None:
    """Who comes in its place is offered the files too."""
    np.save(tmp_path / "in.npy", X)
    with dask_cluster(2) as client:
        processes = client.run(os.getpid)
        victims = iter([processes[next(iter(processes))]])

        def kill(event: Event) -> None:
            if isinstance(event, TileStored) and event.tile > 20:
                for process in victims:
                    os.kill(process, signal.SIGKILL)

        told = filtered(
            *(WRAPPED, tmp_path / "in.npy", tmp_path / "out.npy", address(client)),
            tile=3,
            hear=kill,
        )
    assert told.of(WorkerLost)
    assert told.body_bytes == 0
    assert_same_bits(np.load(tmp_path / "out.npy"), WANT)


def test_who_hangs_before_it_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are not kept waiting for it."""
    np.save(tmp_path / "in.npy", X)
    with dask_cluster(2) as client:
        victim, *_ = client.run(os.getpid).items()

        def stop(event: Event) -> None:
            if isinstance(event, WorkerReady):
                monkeypatch.setattr(cluster, "GREETING_S", 1.0)
                os.kill(victim[1], signal.SIGSTOP)

        try:
            told = filtered(
                *(WRAPPED, tmp_path / "in.npy", tmp_path / "out.npy", address(client)), hear=stop
            )
        finally:
            os.kill(victim[1], signal.SIGKILL)
    reasons = {each.worker: each.reason for each in told.places}
    assert reasons[victim[0]] == "has not answered within 1 s"
    assert_same_bits(np.load(tmp_path / "out.npy"), WANT)


def test_who_is_started_anew_at_its_address(client: Client, tmp_path: Path) -> None:
    """It has forgotten the places: it proves itself again, and is offered them again."""
    np.save(tmp_path / "in.npy", X)
    forgetting = iter([lambda: remote.places.cache_clear()])  # noqa: PLW0108 -- dask pickles it by value

    def forget(event: Event) -> None:
        if isinstance(event, TileStored):
            for each in forgetting:
                client.run(each)

    told = filtered(
        *(WRAPPED, tmp_path / "in.npy", tmp_path / "out.npy", address(client), "require"),
        tile=6,
        hear=forget,
    )
    assert "was started anew" in told.of(WorkerLost)[0].reason
    assert told.body_bytes == 0
    assert_same_bits(np.load(tmp_path / "out.npy"), WANT)


@pytest.mark.parametrize("damaged", [False, True])
def test_finished_tiles_are_read_again(client: Client, tmp_path: Path, *, damaged: bool) -> None:
    """By workers, which find what was changed since: it is computed again."""
    ZARR.require()
    np.save(tmp_path / "in.npy", X)
    target = tmp_path / "out.zarr"

    def interrupt(event: Event) -> None:
        if isinstance(event, TileStored) and event.tile == 6:
            raise KeyboardInterrupt

    def go(**options: Any) -> Told:
        source = tmp_path / "in.npy"
        return filtered(
            WRAPPED, source, target, address(client), tile=16, storing=CHUNKED, **options
        )

    with pytest.raises(KeyboardInterrupt):
        go(hear=interrupt)
    (chunk,) = tmp_path.glob(".*.partial/c/0/0")
    if damaged:
        chunk.write_bytes(chunk.read_bytes()[:-1] + b"?")
    kept: list[frozenset[int]] = []
    with pytest.MonkeyPatch.context() as patches:
        audit = DaskEngine.audit
        patches.setattr(DaskEngine, "audit", lambda *args: kept.append(audit(*args)) or kept[-1])
        told = go(resume=True)
    assert len(kept[0]) + told.stored == 16
    assert (0 in kept[0]) != damaged
    assert 1 in kept[0]
    assert_same_bits(ZARR.load(target), WANT)
