"""`coord runs`: the unfinished runs of a folder, to be resumed or removed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from coordinator.errors import InputError, StoreError
from coordinator.journal.records import JournalError
from coordinator.journal.recovery import find
from coordinator.stores.file_state import files_below
from coordinator.stores.partial import encoded_path, journal_path, partial_path, remove_partial
from tiling.geometry.grid import Grid

SUFFIX = ".journal"


@dataclass(frozen=True, slots=True)
class UnfinishedRun:
    """A run that was cut short.

    Parameters
    ----------
    output : Path
        What it was to make.
    finished, tiles : int
        How many tiles are done, and of how many.
    disk_bytes : int
        That its files take.
    trouble : str
        Why it can't be resumed; "" if it can.
    running : bool
        Whether it is not over.
    """

    output: Path
    finished: int = 0
    tiles: int = 0
    disk_bytes: int = 0
    trouble: str = ""
    running: bool = False


def unfinished_runs(folder: Path) -> list[UnfinishedRun]:
    """Look for what unfinished runs have left in a folder.

    Raises
    ------
    InputError
        If there is no such folder.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder")
    return [_looked_at(output) for output in sorted(_outputs(folder))]


def _outputs(folder: Path) -> Iterator[Path]:
    """Yield the outputs whose journals are in a folder."""
    for path in folder.glob(f".*{SUFFIX}"):
        name = path.name.removeprefix(".").removesuffix(SUFFIX)
        if name and path.is_file():
            yield folder / name


def _looked_at(output: Path) -> UnfinishedRun:
    hidden = partial_path(output), journal_path(output), encoded_path(output)
    disk_bytes = sum(map(_disk_bytes, hidden))
    try:
        log = find(output)
    except StoreError as error:
        return UnfinishedRun(output, disk_bytes=disk_bytes, trouble=str(error), running=True)
    except JournalError as error:
        return UnfinishedRun(output, disk_bytes=disk_bytes, trouble=f"its journal: {error}")
    if log is None:
        return UnfinishedRun(output, disk_bytes=disk_bytes, trouble="its partial file is gone")
    tiles = len(Grid(log.header.shape, log.header.tile))
    return UnfinishedRun(output, len(log.finished), tiles, disk_bytes)


def _disk_bytes(path: Path) -> int:
    """Return what a file takes, or all files of a folder; 0 if there is none."""
    if path.is_dir():
        states = (entry.stat(follow_symlinks=False) for entry in files_below(path))
        return sum(state.st_blocks * 512 for state in states)
    return path.stat().st_blocks * 512 if path.is_file() else 0


def remove_run(run: UnfinishedRun) -> None:
    """Remove what an unfinished run has left.

    Raises
    ------
    StoreError
        If it is not over, or the system forbids it.
    """
    remove_partial(run.output)
