"""The files beside a run's output: provenance always, report and trace if asked for.

A report and a trace are written however the run ends; provenance only for an output that is whole.
It must cost next to nothing, for nobody asked: so digests are taken of small files only, nothing is
kept of each attempt, and a file that can't be written is a warning. Asked for, it is complete.
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coordinator.errors import InputError, StoreError, TilefanError
from coordinator.stores.atomic_file import is_within, read_regular, same_file, write_text
from coordinator.stores.place import Place

if TYPE_CHECKING:
    from coordinator.events import Event, Listener, RunStarted
    from coordinator.report.page import Context, Picture
    from coordinator.report.provenance import Provenance
    from coordinator.report.recorder import Recorder
    from coordinator.stores.memory import ArraySource
    from tiling.jobs.job import Job


REPORT_START, TRACE_START = b"<!doctype html>", b'{"traceEvents"'
PROVENANCE_START = b'{\n  "version"'
"""The first bytes of our files: a file with others is not replaced."""

CHEAP_BYTES = 2**28
"""Of a file whose digest is taken unasked: tens of milliseconds, for a run has just used it."""


@dataclass(frozen=True, slots=True)
class Artifacts:
    """The files that are asked for.

    Parameters
    ----------
    report, trace : Path, optional
        Files to write.
    provenance : bool, optional
        Whether to write it beside the output; None: as far as it costs nothing.
    seams : bool
        Whether the report's pictures show where tiles meet.
    command : str
        The command line, to be quoted.
    sync : bool
        Whether their bytes are on the disk before their names are.
    """

    report: Path | None = None
    trace: Path | None = None
    provenance: bool | None = False
    seams: bool = False
    command: str = ""
    sync: bool = True

    def check(self, source: Path, target: Path, reads: Sequence[Path] = ()) -> None:
        """Check before the run that each file can be written after it, and is no other file.

        Parameters
        ----------
        source, target : Path
            The input and the output.
        reads : sequence of Path
            Other files of the input.

        Raises
        ------
        InputError
            If a file's folder is missing, or the file is something else; the message names it.
        StoreError
            If a file that exists can't be read.
        """
        from coordinator.report.provenance import provenance_path
        from coordinator.stores.partial import journal_path, partial_path

        beside = None if self.provenance is False else provenance_path(Place(target))
        taken = [source, *reads, target, partial_path(target), journal_path(target)]
        for path, start in (
            (beside, PROVENANCE_START),
            (self.report, REPORT_START),
            (self.trace, TRACE_START),
        ):
            if path is None:
                continue
            if start != PROVENANCE_START or self.provenance:
                check_replaceable(path, start, taken)
            taken.append(path)

    @property
    def wanted(self) -> bool:
        """Whether there is anything to write."""
        return self.provenance is not False or bool(self.report or self.trace)

    @property
    def asked_for(self) -> tuple[tuple[str, str], ...]:
        """What is written because an option says so: name and path of each."""
        files = (("report", self.report), ("trace", self.trace))
        return tuple((name, str(path)) for name, path in files if path)

    @property
    def digest_bytes(self) -> float:
        """Largest file whose digest is taken."""
        return CHEAP_BYTES if self.provenance is None and not self.report else math.inf


@dataclass(frozen=True, slots=True)
class Made:
    """What a run makes of what: input, output, job, the mask if there is one, the input's files."""

    source: Place
    target: Place
    job: Job
    mask: ArraySource | None = None
    reads: Sequence[Path] = ()


def check_replaceable(path: Path, start: bytes, taken: Sequence[Path] = ()) -> None:
    """Refuse to write a file where there is something else.

    Parameters
    ----------
    path : Path
    start : bytes
        The first bytes of a file that may be replaced.
    taken : sequence of Path
        Files and folders of chunks that are in use, however they are spelt.

    Raises
    ------
    InputError
        If there is something else, or no folder.
    StoreError
        If a file that exists can't be read.
    """
    if not path.parent.is_dir():
        raise InputError(f"{path}: there is no folder {path.parent}")
    if any(same_file(path, other) for other in taken):
        raise InputError(f"{path}: the run reads or writes this file already; name another")
    for other in taken:
        if is_within(path, other):
            raise InputError(f"{path}: would be in {other}, an array in chunks; name another")
    if path.is_symlink() or (path.exists() and not _begins(path, start)):
        raise InputError(
            f"{path}: is something else already, not what coord writes there; name another file"
        )


def _begins(path: Path, start: bytes) -> bool:
    try:
        return read_regular(path, len(start)) == start
    except InputError:
        return False
    except OSError as error:
        raise StoreError(f"{path}: can't be read: {error.strerror}") from error


@contextmanager
def write_artifacts(artifacts: Artifacts, listen: Listener, made: Made) -> Iterator[Listener]:
    """Yield a listener to the run; write what is asked for when the run is over.

    Parameters
    ----------
    artifacts : Artifacts
    listen : callable
        Another listener, which is called with every event too.
    made : Made

    Raises
    ------
    InputError
        If a file could not be written after the run.
    StoreError
        If a file can't be written after a run that succeeded; beside the error of a run that did
        not, that is a warning.
    """
    if not artifacts.wanted:
        yield listen
        return
    from coordinator.report.recorder import Recorder

    artifacts.check(made.source.path, made.target.path, made.reads)
    history = Recorder(timed=bool(artifacts.report or artifacts.trace))
    started = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime())
    writer = _Writer(artifacts, history, made, started)

    def both(now: float, event: Event) -> None:
        history.handle(now, event)
        listen(now, event)

    try:
        with _warnings_noted(history):
            yield both
    except BaseException:
        for error in writer.write_all():
            warnings.warn(str(error), RuntimeWarning, stacklevel=2)
        raise
    errors = writer.write_all()
    for error in errors[1:]:
        warnings.warn(str(error), RuntimeWarning, stacklevel=2)
    if errors:
        raise StoreError(str(errors[0])) from errors[0]


@contextmanager
def _warnings_noted(history: Recorder) -> Iterator[None]:
    """Note Python's warnings in the history; they are shown as ever."""
    show = warnings.showwarning

    def note(message: Warning | str, *rest: Any, **more: Any) -> None:
        history.note(str(message))
        show(message, *rest, **more)

    warnings.showwarning = note
    try:
        yield
    finally:
        warnings.showwarning = show


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes the artifacts of one run."""

    artifacts: Artifacts
    history: Recorder
    made: Made
    started: str

    def write_all(self) -> list[TilefanError]:
        """Write each file that can be written; return why the others can't."""
        errors: list[TilefanError] = []
        provenance: Provenance | None = None
        finished = self.history.finished
        if finished is not None and finished.error is None:
            try:
                provenance = self._provenance()
            except TilefanError as error:
                errors.append(error)
        steps = (self._write_trace, self._write_report, self._write_provenance)
        for step in steps:
            try:
                step(provenance)
            except TilefanError as error:
                errors.append(error)
        return errors

    def _write(self, path: Path, text: str) -> None:
        write_text(path, text, sync=self.artifacts.sync)

    def _write_trace(self, _: Provenance | None) -> None:
        if self.artifacts.trace:
            from coordinator.report import trace

            self._write(self.artifacts.trace, trace.encode(self.history))

    def _write_report(self, provenance: Provenance | None) -> None:
        if self.artifacts.report:
            from coordinator.report.page import render

            self._write(self.artifacts.report, render(self.history, self._context(provenance)))

    def _write_provenance(self, provenance: Provenance | None) -> None:
        if self.artifacts.provenance is False or provenance is None:
            return
        from coordinator.report.provenance import provenance_path

        path = provenance_path(self.made.target)
        try:
            check_replaceable(path, PROVENANCE_START)
            self._write(path, provenance.encode())
        except TilefanError as error:
            if self.artifacts.provenance:
                raise
            warnings.warn(f"no provenance: {error}", RuntimeWarning, stacklevel=2)

    def _provenance(self) -> Provenance | None:
        from coordinator.machine import versions
        from coordinator.report.provenance import (
            MAX_RECIPE,
            Provenance,
            mark,
            mask_mark,
            runs_of,
        )

        artifacts, history, run = self.artifacts, self.history, self.history.run
        made, most = self.made, artifacts.digest_bytes
        if run is None or (artifacts.provenance is False and not artifacts.report):
            return None
        makers, unlisted = runs_of(history.makers, run.tiles)
        recipe = made.job.encode().decode("ascii")
        return Provenance(
            command=artifacts.command,
            filter=run.filter,
            job=made.job.digest,
            input=mark(made.source, most),
            output=mark(made.target, most),
            shape=run.shape,
            tile=run.tile_shape,
            halo=(made.job.halo.before, made.job.halo.after),
            workers={name: worker.about for name, worker in history.workers.items()},
            proofs={name: worker.proof for name, worker in history.workers.items()},
            makers=makers,
            tiles_unlisted=unlisted,
            versions=versions(),
            started=self.started,
            seconds=round(history.last_s, 6),
            expected_s=None if history.expected_s is None else round(history.expected_s, 6),
            retries=history.retries,
            hedges=history.hedges,
            warnings=tuple(remark.text for remark in history.remarks),
            verified=history.verified,
            recipe=recipe if len(recipe) <= MAX_RECIPE else "",
            mask=None if made.mask is None else mask_mark(made.mask, most),
            stages=tuple(map(dict, history.computed)) if len(history.computed) > 1 else (),
        )

    def _context(self, provenance: Provenance | None) -> Context:
        from coordinator.machine import versions
        from coordinator.report.page import Context

        files = {"input": str(self.made.source), "output": str(self.made.target)}
        pictures: list[Picture] = []
        if provenance is not None:
            files["input digest"] = provenance.input.digest
            files["output digest"] = provenance.output.digest
            files["job"] = provenance.job
            pictures = self._pictures()
        return Context(self.artifacts.command, self.started, versions(), files, pictures)

    def _pictures(self) -> list[Picture]:
        from coordinator.history.tile_map import longest_axes
        from coordinator.report import png
        from coordinator.report.page import Picture
        from coordinator.report.plane import middle_plane
        from coordinator.stores.files import open_direct

        pictures = []
        for name, place in (("input", self.made.source), ("output", self.made.target)):
            array = open_direct(place)
            if 0 in array.shape:
                return []
            plane = middle_plane(array, png.step_for(array.shape))
            pixels = png.shades(plane, *png.limits(plane))
            seams: tuple[tuple[float, ...], tuple[float, ...]] = ((), ())
            if self.artifacts.seams and self.history.run is not None and len(array.shape) > 1:
                down, across = longest_axes(array.shape)
                seams = _seams(self.history.run, down), _seams(self.history.run, across)
            caption = f"{name}: {place.path.name}, the middle slice"
            pictures.append(Picture(caption, png.encode(pixels), seams))
        return pictures


def _seams(run: RunStarted, axis: int) -> tuple[float, ...]:
    """Return the shares of an axis at which tiles meet."""
    length, size = run.shape[axis], run.tile_shape[axis]
    return tuple(at / length for at in range(size, length, size))
