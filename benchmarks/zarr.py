"""`coord blur` from store to store, beside itself on .npy, tensorstore, dask-image and cubed."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from benchmarks.memory import EVERY_S, private_mib
from benchmarks.report import table, verdict
from benchmarks.rounds import in_turns
from coordinator.machine import usable_cores
from coordinator.report.artifacts import Artifacts
from coordinator.stores.files import open_place
from coordinator.stores.output_target import lay_out
from coordinator.stores.place import Place
from coordinator.stores.storing import Storing
from coordinator.workflows.filter_file import filter_chain
from coordinator.workflows.run_options import RunOptions
from tests.support.processes import running_workers
from tilefan.ndimage import gaussian_filter
from tiling.geometry.box import Box
from tiling.geometry.grid import Grid

CHUNK = (64, 256, 256)
SHAPES = {True: (128, 256, 256), False: (512, 512, 512)}
"""Whether it is a short run: of float32, 32 and 512 MiB."""

SIGMA = 2.0
NPY, PLAIN, ZSTD, ALONE = ".npy", "zarr, not compressed", "zarr, zstd:1", "tensorstore + filter"
FLAT = {"TIFF": ".tif", "HDF5": ".h5"}
"""Not compressed, so that samples are read and written where they lie; by their suffixes."""

PLAIN_TARGET, ZSTD_TARGET, FLAT_TARGET = 1 / 1.15, 1 / 1.1, 1 / 1.05

DASK_IMAGE, CUBED = "dask-image, distributed", "cubed"
MODULES = {DASK_IMAGE: "dask_image", CUBED: "cubed"}
PEER_TARGET, PEER_ROUNDS = 3.0, 3
DEPTH = 8
"""Of the halo, in samples."""

SPARSE_CHUNKS = {True: 4, False: 1200}
"""Of 16 MiB each: nothing of them is stored in the input."""

TILE = (256, 256, 256)

MEMORY_MIB = 400


def measure(rounds: int, *, short: bool) -> Iterator[str]:
    """Yield the tables, after a look at the bits."""
    with tempfile.TemporaryDirectory(dir=memory_folder()) as name:
        folder = Path(name)
        yield from _times(folder, rounds, short=short)
        if all(map(importlib.util.find_spec, MODULES.values())):
            yield _peers(folder, min(rounds, PEER_ROUNDS), short=short)
        yield _memory(folder, short=short)


def memory_folder() -> str | None:
    """Return a folder whose files are in memory, if there is one: no disk is measured."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def _times(folder: Path, rounds: int, *, short: bool) -> Iterator[str]:
    array = np.random.default_rng(1).normal(size=SHAPES[short]).astype(np.float32)
    np.save(folder / "in.npy", array)
    _save(folder / "plain.zarr", array, Storing(CHUNK, (), "none"))
    _save(folder / "zstd.zarr", array, Storing(CHUNK, (), "zstd:1"))
    for suffix in FLAT.values():
        _save(folder / f"in{suffix}", array, Storing())
    runs: dict[str, Callable[[], object]] = {
        NPY: partial(_blur, folder / "in.npy", folder / "out.npy"),
        PLAIN: partial(_blur, folder / "plain.zarr", folder / "plain.out.zarr"),
        ZSTD: partial(_blur, folder / "zstd.zarr", folder / "zstd.out.zarr"),
        ALONE: partial(_alone, folder / "zstd.zarr", folder / "alone.zarr", array),
        **{
            name: partial(_blur, folder / f"in{suffix}", folder / f"out{suffix}")
            for name, suffix in FLAT.items()
        },
    }
    for run in runs.values():
        run()
    want = np.load(folder / "out.npy").tobytes()
    for made in ("plain.out.zarr", "zstd.out.zarr", *(f"out{suffix}" for suffix in FLAT.values())):
        assert open_place(folder / made).array.tobytes() == want, f"{made} has other bits"
    times = in_turns(runs, rounds)
    rows = [(name, f"{times.median(name):.2f}", f"{times.ratio(name, NPY):.2f}") for name in runs]
    size = f"{array.nbytes >> 20} MiB of noise in chunks of {'x'.join(map(str, CHUNK))}"
    yield f"### Stores, gaussian_filter, {size}\n\n{table(('', 's', 'vs .npy'), rows)}"
    if not short:
        plain = verdict(times.ratio(PLAIN, NPY), PLAIN_TARGET)
        zstd = verdict(times.ratio(ZSTD, ALONE), ZSTD_TARGET)
        yield f"{PLAIN} within 1.15 of {NPY}: {plain}. {ZSTD} within 1.1 of {ALONE}: {zstd}."
        flat = (f"{name}: {verdict(times.ratio(name, NPY), FLAT_TARGET)}" for name in FLAT)
        yield f"Within 1.05 of {NPY}: {', '.join(flat)}."


def _save(path: Path, array: Any, storing: Storing) -> None:
    target = lay_out(Place(path), array.shape, array.dtype, None, storing)
    sink = target.create(sync=False)
    sink.store(Box.whole(array.shape), array)
    sink.commit()


def _blur(source: Path, target: Path) -> None:
    options = RunOptions(
        style="none", overwrite=True, sync=False, artifacts=Artifacts(provenance=False)
    )
    filter_chain([("gaussian_filter", {"sigma": SIGMA})], source, target, options)


def _alone(source: Path, target: Path, array: Any) -> None:
    """Read and write each chunk once, and filter an array in memory."""
    opened: Any = open_place(source)
    sink = lay_out(Place(target), opened.shape, opened.dtype, opened).create(sync=False)
    grid = Grid(opened.shape, opened.chunks)

    def copy(index: int) -> None:
        sink.store(grid.box(index), opened.read(grid.box(index)))

    with ThreadPoolExecutor(usable_cores()) as threads:
        for _ in threads.map(copy, range(len(grid))):
            pass
    sink.commit()
    gaussian_filter(array, SIGMA)


def _peers(folder: Path, rounds: int, *, short: bool) -> str:
    """Time others on the zarr that is not compressed, into such a one."""
    from distributed import Client, LocalCluster

    source, target = folder / "plain.zarr", folder / "peer.zarr"
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster),
    ):
        runs: dict[str, Callable[[], object]] = {
            PLAIN: partial(_blur, source, folder / "plain.out.zarr"),
            DASK_IMAGE: partial(_dask_image, source, target),
            CUBED: partial(_cubed, source, target, folder / "cubed"),
        }
        for run in runs.values():
            run()
        times = in_turns(runs, rounds)
    rows = [(name, f"{times.median(name):.2f}", f"{times.ratio(PLAIN, name):.1f}") for name in runs]
    text = f"### The same beside others\n\n{table(('', 's', 'tilefan vs it'), rows)}"
    found = (f"{name}: {verdict(times.ratio(PLAIN, name), PEER_TARGET)}" for name in MODULES)
    return text if short else f"{text}\n\n{PEER_TARGET:g} times as fast as {', '.join(found)}."


def _empty(path: Path, like: Any) -> Any:
    """Create a zarr that is not compressed, by zarr-python."""
    import zarr

    shape, dtype = like.shape, like.dtype
    return zarr.create_array(
        path, shape=shape, chunks=CHUNK, dtype=dtype, compressors=None, overwrite=True
    )


def _dask_image(source: Path, target: Path) -> None:
    import dask.array as da
    from dask_image.ndfilters import gaussian_filter as lazily

    x = da.from_zarr(str(source))
    da.store(lazily(x, sigma=SIGMA), _empty(target, x), lock=False)


def _cubed(source: Path, target: Path, scratch: Path) -> None:
    """Filter by cubed, which knows edges of constants only."""
    import cubed
    from cubed.runtime.executors.local import ThreadsExecutor

    spec = cubed.Spec(work_dir=str(scratch), allowed_mem="4GB")
    x = cubed.from_zarr(str(source), spec=spec)
    y = cubed.map_overlap(
        partial(ndimage.gaussian_filter, sigma=SIGMA),
        x,
        dtype=x.dtype,
        chunks=x.chunks,
        depth=DEPTH,
        boundary=0.0,
    )
    cubed.store([y], [_empty(target, x)], executor=ThreadsExecutor())


def _memory(folder: Path, *, short: bool) -> str:
    """Return the most memory of a coordinator whose array is large, and nothing of it stored."""
    import tensorstore as ts

    shape = (CHUNK[0] * SPARSE_CHUNKS[short] // 4, 2 * CHUNK[1], 2 * CHUNK[2])
    spec: Any = {
        "driver": "zarr3",
        "kvstore": {"driver": "file", "path": f"{folder}/sparse.zarr/"},
        "metadata": {
            "shape": shape,
            "data_type": "float32",
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": CHUNK}},
            "codecs": [{"name": "bytes"}, {"name": "zstd"}],
        },
    }
    ts.open(spec, create=True).result()
    blur = ("blur", "sparse.zarr", "-o", "sparse.out.zarr", "--no-sync", "--quiet")
    tile = ("--tile", ",".join(map(str, TILE)))
    mebibytes = 0.0
    with running_workers(2) as workers:
        hosts = ("--hosts", ",".join(worker.address for worker in workers))
        command = (sys.executable, "-m", "coordinator", *blur, *tile, *hosts)
        process = subprocess.Popen(command, cwd=folder, env=_environment())
        while process.poll() is None:
            mebibytes = max(mebibytes, private_mib(process.pid))
            time.sleep(EVERY_S)
    assert process.returncode == 0, "the run failed"
    shutil.rmtree(folder / "sparse.out.zarr")
    gigabytes = float(np.prod(shape, dtype=float)) * 4 / 1e9
    text = (
        f"A coordinator of two workers, {gigabytes:.1f} GB in tiles of 64 MiB: {mebibytes:.0f} MiB "
        "of its own at most"
    )
    return f"{text}." if short else f"{text}: {verdict(MEMORY_MIB / mebibytes, 1.0)}."


def _environment() -> dict[str, str]:
    root = str(Path(__file__).parents[1])
    return {**os.environ, "PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])}
