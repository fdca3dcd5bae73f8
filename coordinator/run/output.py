"""The output of a run, and what is left of it at the end: all, some or nothing.

it is done                            the file at the final path, and nothing beside it
it ends before any tile is stored     nothing
it ends with tiles that are finished  the partial file and its journal, for `--resume`
two workers disagree about a tile     nothing: nobody knows whose other tiles to believe
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from coordinator.engines import Engine, TileRun
from coordinator.errors import InputChangedError, InputError
from coordinator.journal.digests import Seals
from coordinator.journal.file import JournalFile
from coordinator.journal.records import Header, JournalError, Log
from coordinator.journal.recovery import believe, find
from coordinator.stores import FileSource, Sink
from coordinator.stores.file_state import FileState
from coordinator.stores.output_target import OutputTarget
from coordinator.stores.partial import journal_path
from coordinator.stores.place import Place
from tiling.dtypes import Dtype
from tiling.geometry.plan import Plan
from tiling.jobs.job import Job


def _nothing_to_check() -> None:
    """Check nothing: an array in memory is its owner's business."""


@dataclass(frozen=True, slots=True)
class Output:
    """A sink and, unless it dies with this process anyway, the journal of what is in it.

    Parameters
    ----------
    sink : Sink
    journal : JournalFile, optional
    kept : frozenset of int
        Tiles that an earlier run finished.
    again : str
        The command that goes on with this run.
    check_input : callable
        Raises InputChangedError if the input is not what it was when the run began.
    """

    sink: Sink
    journal: JournalFile | None = None
    kept: frozenset[int] = frozenset()
    again: str = ""
    check_input: Callable[[], None] = _nothing_to_check

    def commit(self) -> None:
        """Make the output whole and visible.

        Raises
        ------
        StoreError
            If it can't be.
        InputChangedError
            If it would be a mixture.
        """
        self.check_input()
        try:
            self.sink.commit()
        finally:
            if self.sink.committed and self.journal is not None:
                self.journal.remove()

    def abandon(self, *, trusted: bool = True) -> int:
        """Leave what a later run may go on with; return how many tiles that is.

        Parameters
        ----------
        trusted : bool
            Whether the tiles that are finished can be believed.
        """
        if self.journal is None or not self.journal.finished or not trusted:
            self.sink.discard()
        elif self.sink.suspend():
            self.journal.close()
            return self.journal.finished
        if self.journal is not None:
            self.journal.remove()
        return 0


@dataclass(frozen=True, slots=True)
class Opening:
    """All that tells one run from another, and the ways to open its output.

    Parameters
    ----------
    target : OutputTarget
    job : Job
    source : FileSource
    state : FileState
        Of the input's file.
    dtype : numpy.dtype
        Of the output.
    parameters : tuple of (str, str)
        The filter's parameters, in words.
    again : str
        The command that goes on with this run.
    overwrite, sync : bool
        See `FlatSink.create`.
    input_place : Place, optional
        Of the input's file; without it, changes of the input go unnoticed.
    """

    target: OutputTarget
    job: Job
    source: FileSource
    state: FileState
    dtype: Dtype
    parameters: tuple[tuple[str, str], ...]
    again: str
    overwrite: bool = True
    sync: bool = True
    input_place: Place | None = None

    def check_input(self) -> None:
        """Compare the input's file with what it was when the run began.

        Raises
        ------
        InputChangedError
            If it is another file, or was written to.
        StoreError
            If it can't be looked at.
        """
        if self.input_place is None:
            return
        others = self.source.reads.items()
        if FileState.of(self.input_place).identity != self.state.identity or any(
            FileState.of(Place(path), state.keys) != state for path, state in others
        ):
            raise InputChangedError(
                f"{self.input_place}: the input was changed while it was read; the output would be "
                "a mixture, and is not kept"
            )

    def create(self, *, keep: bool = False) -> Sink:
        """Open the output; see `FlatSink.create`."""
        return self.target.create(keep=keep, overwrite=self.overwrite, sync=self.sync)

    def begin_stages(self) -> Output:
        """Open an empty output that no later run can go on with."""
        return Output(self.create(), check_input=self.check_input)

    def header(self, tile: tuple[int, ...]) -> Header:
        """Return what the journal says of a run that is cut into such tiles."""
        halo = self.job.halo
        return Header(
            job=self.job.digest,
            parameters=self.parameters,
            input_bytes=self.state.file_bytes,
            input_mtime_ns=self.state.mtime_ns,
            input_dtype=self.source.dtype.str,
            output_dtype=self.dtype.str,
            shape=self.source.shape,
            tile=tile,
            halo=tuple(zip(halo.before, halo.after, strict=True)),
            stored=self.target.stored,
        )

    def begin(self, plan: Plan) -> Output:
        """Open an empty output and begin its journal; what was there before is gone.

        Raises
        ------
        StoreError
            If it can't be written; then nothing is left of it.
        """
        sink = self.create()
        try:
            journal = JournalFile.create(self.target.path, self.header(plan.grid.tile))
        except BaseException:  # an interruption too must leave nothing
            sink.discard()
            raise
        return Output(sink, journal, again=self.again, check_input=self.check_input)

    def resume(self, log: Log, plan: Plan, engine: Engine) -> Output:
        """Open what an unfinished run left, and find out which of its tiles can be kept.

        Parameters
        ----------
        log : Log
        plan : Plan
        engine : Engine
            That is ready for the job, and may know others who can look.

        Raises
        ------
        StoreError
            If it can't be read and written.
        InputError
            If the input was changed where a finished tile was read.
        """
        sink = self.create(keep=True)
        try:
            tiles = TileRun(self.job, plan, self.source, sink)
            within = {n: each for n, each in log.finished.items() if n < len(plan)}
            seen = engine.audit(tiles, within)
            seals = Seals(self.job)
            kept = believe(self.target.path, log, plan, seals, self.source, sink, seen)
            journal = JournalFile.reopen(self.target.path, log, len(kept))
        except BaseException as error:
            sink.suspend()
            if isinstance(error, KeyboardInterrupt):
                error.add_note(f"what was finished is kept; go on with:\n  {self.again}")
            raise
        return Output(sink, journal, frozenset(kept), self.again, self.check_input)


def unfinished(
    path: Path, name: str, *, overwrite: bool, resume: bool, say: Callable[[str], None]
) -> Log | None:
    """Return the journal to go on with; None to begin anew.

    What somebody computed is not thrown away unless they say so, by `overwrite`.

    Parameters
    ----------
    path : Path
        Of the output, or of what stands for it.
    name : str
        What people call it.
    overwrite, resume : bool
        What they say.
    say : callable
        Tells them what becomes of an unfinished run.

    Raises
    ------
    InputError
        If an unfinished run left tiles, and neither flag says what is to become of them.
    StoreError
        If that run is not over, or the system does not let its journal be read.
    """
    try:
        log, trouble = find(path), "there is no unfinished run"
    except JournalError as error:
        log, trouble = None, f"its journal can't be used: {error}"
    if log is None or not log.finished:
        if resume:
            say(f"{name}: nothing to resume, this run begins anew: {trouble}")
        return None
    if resume:
        return log
    if not overwrite:
        raise InputError(
            f"{name}: an unfinished run left {len(log.finished)} tiles ({journal_path(path)}); "
            "go on with it by --resume, or start anew with --overwrite"
        )
    say(f"{name}: starting anew; --resume would have kept {len(log.finished)} tiles")
    return None
