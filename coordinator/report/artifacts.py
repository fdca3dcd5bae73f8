"""What a run leaves beside its output: provenance always, report and trace if asked for.

A report and a trace are written however the run ends; provenance only for an output that is whole.
It must cost next to nothing, for nobody asked: so digests are taken of small files only, nothing is
kept of each attempt, and what can't be written is a warning. Who asks for it gets all of it.
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coordinator.errors import InputError, StoreError, TilefanError
from coordinator.stores.atomic_file import write_text

if TYPE_CHECKING:
    from coordinator.events import Event, Listener
    from coordinator.report.page import Facts, Picture
    from coordinator.report.provenance import Provenance
    from coordinator.report.recorder import Recorder
    from tiling.jobs.job import Job


REPORT_START, TRACE_START = b"<!doctype html>", b'{"traceEvents"'
PROVENANCE_START = b'{\n  "version"'
"""How our files begin: one that begins otherwise is not replaced."""

CHEAP_BYTES = 2**28
"""Of a file whose digest is taken unasked: tens of milliseconds, for a run has just used it."""


@dataclass(frozen=True, slots=True)
class Artifacts:
    """What is asked for.

    Parameters
    ----------
    report, trace : Path, optional
        Files to write.
    provenance : bool, optional
        Whether to write it beside the output; None: as far as it costs nothing.
    seams : bool
        Whether the report's pictures show where tiles meet.
    command : str
        As it was given, to be quoted.
    """

    report: Path | None = None
    trace: Path | None = None
    provenance: bool | None = False
    seams: bool = False
    command: str = ""

    def check(self, target: Path) -> None:
        """Refuse, before the run, what could not be written after it, or is another file.

        Parameters
        ----------
        target : Path
            The output.

        Raises
        ------
        InputError
            Naming the file.
        """
        from coordinator.report.provenance import provenance_path

        if self.provenance:
            _check(provenance_path(target), PROVENANCE_START, target)
        if self.report:
            _check(self.report, REPORT_START, target)
        if self.trace:
            _check(self.trace, TRACE_START, target)

    @property
    def wanted(self) -> bool:
        """Whether there is anything to write."""
        return self.provenance is not False or bool(self.report or self.trace)

    @property
    def digest_bytes(self) -> float:
        """Largest file whose digest is taken."""
        return CHEAP_BYTES if self.provenance is None and not self.report else math.inf


def _check(path: Path, start: bytes, target: Path | None = None) -> None:
    if not path.parent.is_dir():
        raise InputError(f"{path}: there is no folder {path.parent}")
    if path.is_dir() or path == target or (path.exists() and not _begins(path, start)):
        raise InputError(f"{path}: is something else already; name another file")


def _begins(path: Path, start: bytes) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(start)) == start
    except OSError as error:
        raise StoreError(f"{path}: can't be read: {error.strerror}") from error


@contextmanager
def drawn_up(
    papers: Artifacts, listen: Listener, source: Path, target: Path, job: Job
) -> Iterator[Listener]:
    """Yield what hears the run; write the papers when it is over.

    Parameters
    ----------
    papers : Artifacts
    listen : callable
        Hears the run too.
    source, target : Path
        Of the run.
    job : Job

    Raises
    ------
    InputError
        If they could not be written after the run.
    StoreError
        If they can't be written, and the run was well; else that is a warning beside its own end.
    """
    if not papers.wanted:
        yield listen
        return
    from coordinator.report.recorder import Recorder

    papers.check(target)
    history = Recorder(timed=bool(papers.report or papers.trace))
    started = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime())

    def both(now: float, event: Event) -> None:
        history.handle(now, event)
        listen(now, event)

    try:
        with _warnings_noted(history):
            yield both
    except BaseException:
        for error in _write_all(papers, history, source, target, job, started):
            warnings.warn(str(error), RuntimeWarning, stacklevel=2)
        raise
    errors = _write_all(papers, history, source, target, job, started)
    for error in errors[1:]:
        warnings.warn(str(error), RuntimeWarning, stacklevel=2)
    if errors:
        raise StoreError(str(errors[0])) from errors[0]


@contextmanager
def _warnings_noted(history: Recorder) -> Iterator[None]:
    """Let the chronicle know of Python's warnings, which are shown as ever."""
    show = warnings.showwarning

    def note(message: Warning | str, *rest: Any, **more: Any) -> None:
        history.note(str(message))
        show(message, *rest, **more)

    warnings.showwarning = note
    try:
        yield
    finally:
        warnings.showwarning = show


def _write_all(
    papers: Artifacts, history: Recorder, source: Path, target: Path, job: Job, started: str
) -> list[TilefanError]:
    """Write each file that can be written; return why the others can't."""
    errors: list[TilefanError] = []
    known: Provenance | None = None

    def attempt(write: Callable[[], None]) -> None:
        try:
            write()
        except TilefanError as error:
            errors.append(error)

    def describe() -> None:
        nonlocal known
        known = _provenance(papers, history, source, target, job, started)

    if history.finished is not None and history.finished.error is None:
        attempt(describe)
    if papers.trace:
        attempt(partial(_write_trace, papers.trace, history))
    if papers.report:
        facts = partial(_facts, papers, history, source, target, known, started)
        attempt(partial(_write_report, papers.report, history, facts))
    if papers.provenance is not False and known is not None:
        attempt(partial(_write_provenance, target, known, asked=bool(papers.provenance)))
    return errors


def _write_trace(path: Path, history: Recorder) -> None:
    from coordinator.report import trace

    write_text(path, trace.encode(history))


def _write_report(path: Path, history: Recorder, facts: Callable[[], Facts]) -> None:
    from coordinator.report.page import render

    write_text(path, render(history, facts()))


def _write_provenance(target: Path, known: Provenance, *, asked: bool) -> None:
    from coordinator.report.provenance import provenance_path

    try:
        _check(provenance_path(target), PROVENANCE_START)
        write_text(provenance_path(target), known.encode())
    except TilefanError as error:
        if asked:
            raise
        warnings.warn(f"no provenance: {error}", RuntimeWarning, stacklevel=2)


def _provenance(
    papers: Artifacts, history: Recorder, source: Path, target: Path, job: Job, started: str
) -> Provenance | None:
    from coordinator.machine import versions
    from coordinator.report.provenance import Provenance, mark, runs_of

    run = history.run
    if run is None or (papers.provenance is False and not papers.report):
        return None
    makers, unlisted = runs_of(history.makers, run.tiles)
    return Provenance(
        command=papers.command,
        filter=run.filter,
        job=job.digest,
        input=mark(source, papers.digest_bytes),
        output=mark(target, papers.digest_bytes),
        shape=run.shape,
        tile=run.tile_shape,
        halo=(job.halo.before, job.halo.after),
        workers={name: worker.about for name, worker in history.workers.items()},
        proofs={name: worker.proof for name, worker in history.workers.items()},
        makers=makers,
        tiles_unlisted=unlisted,
        versions=versions(),
        started=started,
        seconds=round(history.last_s, 6),
        retries=history.retries,
        hedges=history.hedges,
        warnings=tuple(remark.text for remark in history.remarks),
    )


def _facts(
    papers: Artifacts,
    history: Recorder,
    source: Path,
    target: Path,
    known: Provenance | None,
    started: str,
) -> Facts:
    from coordinator.machine import versions
    from coordinator.report.page import Facts

    files = {"input": str(source), "output": str(target)}
    pictures: list[Picture] = []
    if known is not None:
        for name, made in (("input", known.input), ("output", known.output)):
            files[f"{name} digest"] = made.digest
        files["job"] = known.job
        pictures = _pictures(papers, history, source, target)
    return Facts(papers.command, started, versions(), files, pictures)


def _pictures(papers: Artifacts, history: Recorder, source: Path, target: Path) -> list[Picture]:
    from coordinator.history.tile_map import longest_axes
    from coordinator.report import png
    from coordinator.report.page import Picture
    from coordinator.stores.npy import open_npy

    pictures = []
    for name, path in (("input", source), ("output", target)):
        array = open_npy(path).array
        if not array.size:
            return []
        plane = png.middle_plane(array, png.step_for(array.shape))
        pixels = png.shades(plane, *png.limits(plane))
        seams: tuple[tuple[float, ...], tuple[float, ...]] = ((), ())
        if papers.seams and history.run is not None and array.ndim > 1:
            down, across = (_seams(history, axis) for axis in longest_axes(array.shape))
            seams = down, across
        caption = f"{name}: {path.name}, the middle slice"
        pictures.append(Picture(caption, png.encode(pixels), seams))
    return pictures


def _seams(history: Recorder, axis: int) -> tuple[float, ...]:
    """Return the shares of an axis at which tiles meet."""
    if history.run is None:
        return ()
    length, size = history.run.shape[axis], history.run.tile_shape[axis]
    return tuple(at / length for at in range(size, length, size))
