"""File to file by workers that open the files themselves, against bytes, and this machine alone.

The fleet is open, as that of a program that filters many files. Files are in memory.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from scipy import ndimage

from benchmarks.cases import IMAGE
from benchmarks.report import table, verdict
from benchmarks.rounds import in_turns
from benchmarks.zarr import memory_folder
from coordinator.engines import Engine
from coordinator.engines.http.engine import HttpEngine
from coordinator.engines.local import LocalEngine
from coordinator.events import Event
from coordinator.hosts.by_reference import ByReference
from coordinator.hosts.hosts_file import parse_hosts
from coordinator.run.output import Opening
from coordinator.run.request import Request, row_grain
from coordinator.run.run import run
from coordinator.stores.file_state import FileState
from coordinator.stores.files import open_place
from coordinator.stores.output_target import lay_out
from coordinator.stores.place import Place
from coordinator.stores.storing import Storing
from tests.support.processes import running_workers
from tiling.filters import FILTERS
from tiling.geometry.box import Box
from tiling.jobs.job import Job

LOCAL, REFERENCE, BYTES, SCIPY = "this machine", "by reference", "bytes", "SciPy, load and save"

SIGMA = 2.0
LOCAL_TARGET, SCIPY_TARGET = 0.85, 4.0
CASES: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "4096x4096": ((4096, 4096), (512, 4096)),
    "256x256x256": ((256, 256, 256), (64, 256, 256)),
}
"""Shapes of float32 arrays, and of the chunks of those in zarr."""

CPU_MS, TILES = 1.0, 1000
"""Of the coordinator for a tile, at most; and of how many tiny ones it is measured."""


def measure(rounds: int, *, short: bool) -> Iterator[str]:
    """Yield the tables, after a look at the bits."""
    with TemporaryDirectory(dir=memory_folder()) as name:
        folder = Path(name)
        with running_workers(2, "--serve-from", name) as workers:
            hosts = [worker.address for worker in workers]
            with (
                closing(_fleet(hosts, "require")) as reference,
                closing(_fleet(hosts, "never")) as by_bytes,
            ):
                engines: dict[str, Engine] = {
                    LOCAL: LocalEngine(),
                    REFERENCE: reference,
                    BYTES: by_bytes,
                }
                yield _files(folder, engines, rounds, short=short)
                yield _picture(folder, engines, rounds, short=short)
                yield _cpu(folder, engines, short=short)


def _fleet(hosts: list[str], way: ByReference) -> HttpEngine:
    return HttpEngine(parse_hosts(hosts).with_by_reference(way))


def _files(folder: Path, engines: dict[str, Engine], rounds: int, *, short: bool) -> str:
    rows, verdicts = [], []
    for title, sizes in CASES.items():
        shape, chunks = (tuple(n // 8 if short else n for n in each) for each in sizes)
        array = np.random.default_rng(1).normal(size=shape).astype(np.float32)
        for suffix in (".npy", ".zarr"):
            source = folder / f"{title}{suffix}"
            _save(source, array, chunks)
            want = ndimage.gaussian_filter(array, SIGMA)
            times = in_turns(_runs(engines, source, SIGMA, want), rounds)
            for name in engines:
                speed = times.ratio(name, LOCAL)
                rows.append((title + suffix, name, f"{times.median(name):.3f}", f"{speed:.2f}"))
            verdicts.append(verdict(times.ratio(REFERENCE, LOCAL), LOCAL_TARGET))
    said = table(("", "", "s", "speed, of this machine's"), rows)
    text = f"### By reference, gaussian_filter, float32, two workers here\n\n{said}"
    reached = f"\n\nBy reference at {LOCAL_TARGET} of this machine's speed: {', '.join(verdicts)}."
    return text if short else text + reached


def _picture(folder: Path, engines: dict[str, Engine], rounds: int, *, short: bool) -> str:
    array = (IMAGE.shortened() if short else IMAGE).array()
    source, target = folder / "picture.npy", folder / "picture.scipy.npy"
    np.save(source, array)
    want = ndimage.gaussian_filter(array, 0.5)

    def alone() -> None:
        np.save(target, ndimage.gaussian_filter(np.load(source), 0.5))

    times = in_turns({SCIPY: alone, **_runs(engines, source, 0.5, want)}, rounds)
    rows = [
        (name, f"{1e3 * times.median(name):.1f}", f"{times.ratio(name, SCIPY):.2f}")
        for name in (SCIPY, *engines)
    ]
    size = "x".join(map(str, array.shape))
    text = f"### {size} {array.dtype.name}, file to file\n\n{table(('', 'ms', 'speed'), rows)}"
    reached = verdict(times.ratio(REFERENCE, SCIPY), SCIPY_TARGET)
    return text if short else f"{text}\n\n{SCIPY_TARGET:g} times SciPy: {reached}."


def _cpu(folder: Path, engines: dict[str, Engine], *, short: bool) -> str:
    source = folder / "tiny.npy"
    count = TILES // 10 if short else TILES
    np.save(source, np.zeros((count, 20), np.float32))
    spent_ms = {}
    for name in (REFERENCE, BYTES):
        began_s = time.process_time()
        _filter(engines[name], source, 1.0, tile=(1, 20))
        spent_ms[name] = 1e3 * (time.process_time() - began_s) / count
    said = ", ".join(f"{ms:.2f} ms {name}" for name, ms in spent_ms.items())
    text = f"Processor time of the coordinator for a tile of one line: {said}"
    return f"{text}." if short else f"{text}: {verdict(CPU_MS / spent_ms[REFERENCE], 1.0)}."


def _runs(
    engines: dict[str, Engine], source: Path, sigma: float, want: Any
) -> dict[str, Callable[[], object]]:
    """Return a run for each engine, after a look at its bits."""
    for name, engine in engines.items():
        made = open_place(_filter(engine, source, sigma)).array
        assert made.tobytes() == want.tobytes(), f"{source.name}, {name}: other bits"
    return {name: partial(_filter, engine, source, sigma) for name, engine in engines.items()}


def _filter(engine: Engine, source: Path, sigma: float, tile: Any = None) -> Path:
    """Filter a file into another, as `coord blur` does."""
    array = open_place(source)
    call = FILTERS["gaussian_filter"].call(len(array.shape), array.dtype, sigma)
    job = Job(len(array.shape), (call,))
    place = Place(source.with_name(f"{source.stem}.out{source.suffix}"))
    target = lay_out(place, array.shape, job.target, array)
    state = FileState.of(Place(source))
    opening = Opening(target, job, array, state, job.target, (), "", sync=False)
    grain = target.grain
    if isinstance(engine, HttpEngine) and not grain:
        grain = row_grain(array.shape, job.target.itemsize)
    request = Request(job, array, tile, grain=grain)

    def begin(plan: Any) -> Any:
        return opening.begin(plan)

    run(request, begin, engine, _silent)
    return place.path


def _silent(at: float, event: Event) -> None:
    pass


def _save(path: Path, array: Any, chunks: tuple[int, ...]) -> None:
    storing = Storing(chunks, codec="none") if path.suffix == ".zarr" else Storing()
    sink: Any = lay_out(Place(path), array.shape, array.dtype, None, storing).create(sync=False)
    sink.store(Box.whole(array.shape), array)
    sink.commit()
