"""Closing lines of a run: what was written and verified, who was lost, who opened no files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from coordinator.machine import NAME
from coordinator.text import brief_time, count, inert, megabytes, printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coordinator.display.tally import Tally

NAMED: Final = 3  # workers that were lost, or got bytes: coord doctor has them all


def closing_lines(tally: Tally, now: float) -> Iterator[str]:
    """Yield what was made and what was proved; why a run failed is its error's to say."""
    took = brief_time(tally.elapsed_s(now))
    if tally.finished is None or tally.finished.error is not None:
        tiles = tally.run.tiles if tally.run else 0
        where = "".join(f", {words}" for words in tally.stage_words())
        yield f"stopped after {took}{where}, {tally.stage_tiles:,}/{count(tiles, 'tile')}"
    else:
        yield _made(tally, now, took)
        if tally.verified is not None:
            yield f"verified: {verified_words(*tally.verified, tally.stage)}"
        yield from (inert(words) for words in [*tally.by_bytes.values()][:NAMED])
        if len(tally.by_bytes) > NAMED:
            yield f"and {len(tally.by_bytes) - NAMED:,} more workers got bytes"


def lost_lines(tally: Tally) -> Iterator[str]:
    """Yield the workers that can't be used, and why."""
    lost = tally.lost()
    for worker in lost[:NAMED]:
        yield f"{inert(worker.name)} {worker.standing.value}: {inert(worker.reason)}"
    if len(lost) > NAMED:
        yield f"and {len(lost) - NAMED:,} more workers lost"


def verified_words(tiles: int, of: int, stages: int = 1) -> str:
    """Say how many tiles SciPy computed once more.

    >>> verified_words(14, 700)
    '14 of 700 tiles recomputed by SciPy, equal'
    """
    whose = f" of all {stages} stages" if stages > 1 else ""
    return f"{tiles:,} of {count(of, 'tile')}{whose} recomputed by SciPy, equal"


def _made(tally: Tally, now: float, took: str) -> str:
    kept = f"{count(tally.kept, 'tile')} kept from an unfinished run" if tally.kept else ""
    retries = f"{tally.retries:,} retried" if tally.retries else ""
    who = NAME if tally.workers.keys() == {NAME} else tally.computed_by()
    if tally.written is not None:
        size = megabytes(tally.written.file_bytes)
        besides = ", ".join(filter(None, (kept, retries)))
        beside = "".join(f"; {name} {printable(path)}" for name, path in tally.written.beside)
        where = f"{printable(tally.written.path)} ({size} MB) in {took} on {who}"
        return f"wrote {where}{f' ({besides})' if besides else ''}{beside}"
    stages = f" in {tally.stage} stages" if tally.stage > 1 else ""
    what = count(tally.kept + tally.stored, "tile") + stages + (f" ({kept})" if kept else "")
    speed = f"{megabytes(tally.rate(now))} MB/s"
    done = f"done: {what}, {megabytes(tally.meter.total)} MB in {took} ({speed}), {who}"
    return f"{done}, {retries}" if retries else done
