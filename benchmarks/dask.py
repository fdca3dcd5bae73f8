"""`tilefan.dask` beside dask-image, scikit-image and cubed: the same array in the same chunks."""

from __future__ import annotations

import importlib.util
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import dask
import dask.array as da
import numpy as np
from scipy import ndimage

import tilefan.dask
from benchmarks.report import table, verdict
from benchmarks.rounds import in_turns

OURS, DASK_IMAGE, SCIKIT, CUBED = "tilefan.dask", "dask-image", "scikit-image", "cubed"
MODULES = {DASK_IMAGE: "dask_image", SCIKIT: "skimage", CUBED: "cubed"}

SIGMA, DEPTH = 2.0, 8
SHAPES = {True: (32, 64, 64), False: (256, 256, 256)}
"""Whether it is a short run: of float32, 64 MiB."""

CHUNKS = {True: 32, False: 64}
GRAPH = {True: 4, False: 16}
"""Chunks along each of three axes, where graphs are made and nothing is computed."""

THREADS_TARGET, CLUSTER_TARGET, OPTIMISING_TARGET = 2.0, 3.0, 5.0

Lazy = Any


def measure(rounds: int, *, short: bool) -> Iterator[str]:
    """Yield the tables, after a look at the bits."""
    if importlib.util.find_spec(MODULES[DASK_IMAGE]):
        yield _graphs(rounds, short=short)
    array = np.random.default_rng(1).normal(size=SHAPES[short]).astype(np.float32)
    x = da.from_array(array, chunks=CHUNKS[short])
    want = ndimage.gaussian_filter(array, SIGMA)
    got = tilefan.dask.gaussian_filter(x, SIGMA).compute()
    assert got.tobytes() == want.tobytes(), f"{OURS} has other bits"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of large graphs, and of cubed about its memory
        yield _on_threads(array, x, rounds, short=short)
        yield _on_a_cluster(array, rounds, short=short)


def _filters() -> dict[str, Callable[[Lazy], Lazy]]:
    """Return the Gaussian filters of dask arrays that are installed."""
    filters: dict[str, Callable[[Lazy], Lazy]] = {
        OURS: partial(tilefan.dask.gaussian_filter, sigma=SIGMA)
    }
    if importlib.util.find_spec(MODULES[DASK_IMAGE]):
        from dask_image.ndfilters import gaussian_filter

        filters[DASK_IMAGE] = partial(gaussian_filter, sigma=SIGMA)
    if importlib.util.find_spec(MODULES[SCIKIT]):
        filters[SCIKIT] = _parallel
    return filters


def _parallel(x: Lazy) -> Lazy:
    """Filter by scikit-image's `apply_parallel`."""
    from skimage.util import apply_parallel

    function = partial(ndimage.gaussian_filter, sigma=SIGMA)
    parallel: Any = apply_parallel
    return parallel(function, x, x.chunks, DEPTH, "reflect", dtype=x.dtype, compute=False)


def _graphs(rounds: int, *, short: bool) -> str:
    """Return the table of what graphs take that nobody computes."""
    count, size = GRAPH[short] ** 3, 64
    x = da.zeros((GRAPH[short] * size,) * 3, chunks=size, dtype=np.float32)
    filters = _filters()
    tasks: dict[str, int] = {}

    def optimise(name: str) -> None:
        (optimised,) = dask.optimize(filters[name](x))
        tasks[name] = len(dict(optimised.__dask_graph__()))

    times = in_turns({name: partial(optimise, name) for name in filters}, min(rounds, 3))
    rows = [
        (
            name,
            f"{tasks[name]:,}",
            f"{times.median(name):.2f}",
            f"{times.ratio(name, DASK_IMAGE):.1f}",
        )
        for name in filters
    ]
    head = ("", "tasks", "s to make and optimise", "vs dask-image")
    text = f"### dask graphs, gaussian_filter, {count:,} chunks of 64x64x64\n\n{table(head, rows)}"
    if short:
        return text
    found = verdict(times.ratio(OURS, DASK_IMAGE), OPTIMISING_TARGET)
    return f"{text}\n\nA fifth of dask-image's seconds: {found}."


def _on_threads(array: Any, x: Lazy, rounds: int, *, short: bool) -> str:
    runs: dict[str, Callable[[], object]] = {
        name: partial(_computed, each, x) for name, each in _filters().items()
    }
    with tempfile.TemporaryDirectory() as folder:
        if importlib.util.find_spec(MODULES[CUBED]):
            runs[CUBED] = partial(_cubed, array, CHUNKS[short], folder)
        return _times(runs, rounds, "threads", THREADS_TARGET, short=short)


def _computed(function: Callable[[Lazy], Lazy], x: Lazy) -> None:
    function(x).compute(scheduler="threads")


def _cubed(array: Any, chunk: int, folder: str) -> None:
    """Filter by cubed, which knows edges of constants only."""
    import cubed
    from cubed.runtime.executors.local import ThreadsExecutor

    spec = cubed.Spec(work_dir=folder, allowed_mem="4GB")
    x = cubed.from_array(array, chunks=chunk, spec=spec)
    y = cubed.map_overlap(
        partial(ndimage.gaussian_filter, sigma=SIGMA),
        x,
        dtype=x.dtype,
        chunks=x.chunks,
        depth=DEPTH,
        boundary=0.0,
    )
    y.compute(executor=ThreadsExecutor())


def _on_a_cluster(array: Any, rounds: int, *, short: bool) -> str:
    """Time two processes, from chunks that they hold to chunks that they hold."""
    from distributed import Client, LocalCluster, wait

    def kept(function: Callable[[Lazy], Lazy]) -> None:
        wait(function(x).persist())

    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster),
    ):
        x = da.from_array(array, chunks=CHUNKS[short]).persist()
        wait(x)
        runs = {name: partial(kept, each) for name, each in _filters().items()}
        return _times(runs, rounds, "distributed, 2 processes", CLUSTER_TARGET, short=short)


def _times(
    runs: Mapping[str, Callable[[], object]], rounds: int, where: str, target: float, *, short: bool
) -> str:
    for run in runs.values():
        run()
    times = in_turns(runs, rounds)
    rows = [(name, f"{times.median(name):.2f}", f"{times.ratio(OURS, name):.1f}") for name in runs]
    shape = "x".join(map(str, SHAPES[short]))
    title = f"### dask on {where}, gaussian_filter, {shape} float32 in chunks of {CHUNKS[short]}"
    text = f"{title}\n\n{table(('', 's', 'tilefan.dask vs it'), rows)}"
    if short or DASK_IMAGE not in runs:
        return text
    return (
        f"{text}\n\n{target:g} times dask-image: {verdict(times.ratio(OURS, DASK_IMAGE), target)}."
    )
