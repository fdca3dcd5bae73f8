"""`coord blur` from zarr into zarr, against itself on .npy, and against tensorstore alone."""

from __future__ import annotations

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
PLAIN_TARGET, ZSTD_TARGET = 1 / 1.15, 1 / 1.1

SPARSE_CHUNKS = {True: 4, False: 1200}
"""Of 16 MiB each: nothing of them is stored in the input."""

TILE = (256, 256, 256)

MEMORY_MIB = 400


def measure(rounds: int, *, short: bool) -> Iterator[str]:
    """Yield the tables, after a look at the bits."""
    with tempfile.TemporaryDirectory(dir=memory_folder()) as name:
        folder = Path(name)
        yield from _times(folder, rounds, short=short)
        yield _memory(folder, short=short)


def memory_folder() -> str | None:
    """Return a folder whose files are in memory, if there is one: no disk is measured."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def _times(folder: Path, rounds: int, *, short: bool) -> Iterator[str]:
    array = np.random.default_rng(1).normal(size=SHAPES[short]).astype(np.float32)
    np.save(folder / "in.npy", array)
    _save(folder / "plain.zarr", array, "none")
    _save(folder / "zstd.zarr", array, "zstd:1")
    runs: dict[str, Callable[[], object]] = {
        NPY: partial(_blur, folder / "in.npy", folder / "out.npy"),
        PLAIN: partial(_blur, folder / "plain.zarr", folder / "plain.out.zarr"),
        ZSTD: partial(_blur, folder / "zstd.zarr", folder / "zstd.out.zarr"),
        ALONE: partial(_alone, folder / "zstd.zarr", folder / "alone.zarr", array),
    }
    for run in runs.values():
        run()
    want = np.load(folder / "out.npy").tobytes()
    for made in ("plain.out.zarr", "zstd.out.zarr"):
        assert open_place(folder / made).array.tobytes() == want, f"{made} has other bits"
    times = in_turns(runs, rounds)
    rows = [(name, f"{times.median(name):.2f}", f"{times.ratio(name, NPY):.2f}") for name in runs]
    size = f"{array.nbytes >> 20} MiB of noise in chunks of {'x'.join(map(str, CHUNK))}"
    yield f"### Stores, gaussian_filter, {size}\n\n{table(('', 's', 'vs .npy'), rows)}"
    if not short:
        plain = verdict(times.ratio(PLAIN, NPY), PLAIN_TARGET)
        zstd = verdict(times.ratio(ZSTD, ALONE), ZSTD_TARGET)
        yield f"{PLAIN} within 1.15 of {NPY}: {plain}. {ZSTD} within 1.1 of {ALONE}: {zstd}."


def _save(path: Path, array: Any, codec: str) -> None:
    target = lay_out(Place(path), array.shape, array.dtype, None, Storing(CHUNK, (), codec))
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
