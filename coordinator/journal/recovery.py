"""Going on with a run that was cut short: whether it is the same, and which tiles to believe."""

from __future__ import annotations

from collections.abc import Iterator, Set
from datetime import datetime
from pathlib import Path

from coordinator.errors import InputError, StoreError
from coordinator.interruption import let_in
from coordinator.journal.digests import Seals
from coordinator.journal.records import Header, Log, parse
from coordinator.stores import Sink, Source
from coordinator.stores.atomic_file import read_regular
from coordinator.stores.partial import check_unlocked, journal_path, partial_path
from coordinator.text import dtype_name, inert
from tiling.geometry.plan import Plan

MAX_JOURNAL = 2**32
"""Bytes of a journal: of tens of millions of tiles."""


def find(path: Path) -> Log | None:
    """Read the journal that an unfinished run left at an output; None if there is none.

    Raises
    ------
    StoreError
        If that run is not over, or the system does not let it be read.
    JournalError
        If the journal makes no sense.
    """
    try:
        check_unlocked(path)
        return (
            parse(read_regular(journal_path(path), MAX_JOURNAL))
            if partial_path(path).exists()
            else None
        )
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(f"{path}: its journal can't be read: {error.strerror}") from error


def check_same(name: str, was: Header, now: Header) -> None:
    """Refuse to resume a run that is another one.

    Raises
    ------
    InputError
        Saying all that changed.
    """
    changed = "; ".join((*_input(was, now), *_parameters(was, now), *_cut(was, now)))
    if changed:
        raise InputError(
            f"{name}: can't resume: {changed}. Say it as it was, or start anew with --overwrite"
        )


def believe(
    path: Path,
    log: Log,
    plan: Plan,
    seals: Seals,
    source: Source,
    sink: Sink,
    seen: Set[int] = frozenset(),
) -> set[int]:
    """Return the tiles whose bytes are in the output, and come from the input as it is now.

    Parameters
    ----------
    path : Path
        Of the output.
    log : Log
    plan : Plan
    seals : Seals
    source : Source
    sink : Sink
    seen : set of int
        Of which that is known.

    Raises
    ------
    InputError
        If the input was changed where such a tile was read.
    """
    kept = set(seen)
    for finished in log.finished.values():
        let_in()
        if finished.tile in kept or finished.tile >= len(plan):
            continue
        tile = plan[finished.tile]
        try:
            written = sink.read(tile.write)
        except StoreError:  # cut short, as when the power failed: it is computed again
            continue
        if seals.answered(tile, finished.asked, written) != finished.answered:
            continue
        if seals.asked(tile, source.read(tile.read)) != finished.asked:
            raise InputError(
                f"{path}: can't resume: the input changed: tile {tile.index} reads other bytes "
                "now. Start anew with --overwrite"
            )
        kept.add(tile.index)
    return kept


def _input(was: Header, now: Header) -> Iterator[str]:
    if was.shape != now.shape or was.input_dtype != now.input_dtype:
        yield (
            f"the input changed: it was {dtype_name(was.input_dtype)} {was.shape}, "
            f"and is {dtype_name(now.input_dtype)} {now.shape}"
        )
    elif was.input_bytes != now.input_bytes:
        yield f"the input changed: it had {was.input_bytes} bytes, and has {now.input_bytes}"
    elif was.input_mtime_ns != now.input_mtime_ns:
        yield (
            f"the input changed: it was modified {_time(was.input_mtime_ns)}, "
            f"and again {_time(now.input_mtime_ns)}"
        )


def _parameters(was: Header, now: Header) -> Iterator[str]:
    if (was.job, was.output_dtype) == (now.job, now.output_dtype):
        return
    before, after = dict(was.parameters), dict(now.parameters)
    differing = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    for name in differing:
        yield f"{inert(name)} was {inert(str(before.get(name)))}, and is {after.get(name)}"
    if not differing and was.input_dtype == now.input_dtype and len(was.shape) == len(now.shape):
        yield "the filter is computed otherwise now"


def _cut(was: Header, now: Header) -> Iterator[str]:
    if was.tile != now.tile:
        yield f"tile was {','.join(map(str, was.tile))}, and is {','.join(map(str, now.tile))}"
    elif was.halo != now.halo and was.job == now.job:
        yield f"the halo was {was.halo}, and is {now.halo}"
    if was.stored != now.stored:
        yield f"the output was stored as {inert(was.stored)}, and is as {now.stored}"


def _time(ns: int) -> str:
    return datetime.fromtimestamp(ns / 1e9).astimezone().isoformat(" ", "microseconds")
