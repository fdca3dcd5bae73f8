"""A run in lines of plain text: for logs, pipes and dumb terminals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coordinator.display.tally import Tally
from coordinator.text import brief_time, clock, count, inert, megabytes

if TYPE_CHECKING:
    from coordinator.display.tally import Note


class PlainLines:
    """Lines about a tally: one at a time while the run lasts, then a final one."""

    def __init__(self) -> None:
        self._told: Note | None = None

    def line(self, tally: Tally, now: float) -> str:
        """Tell how far the run is, and the last event worth reading unless it was told before."""
        tiles = tally.run.tiles if tally.run else 0
        done, whole = tally.progress()
        parts = [
            *tally.stage_words(),
            f"{tally.stored:,}/{count(tiles, 'tile')}",
            f"{megabytes(tally.rate(now))} MB/s",
            f"{clock(tally.elapsed_s(now))} elapsed",
            f"{clock(tally.left_s(now))} left",
            tally.fleet(),
        ]
        return f"{done * 100 // whole} %: {', '.join(parts)}{self._news(tally)}"

    def last_line(self, tally: Tally, now: float) -> str:
        """Tell how the run ended."""
        took = brief_time(tally.elapsed_s(now))
        if tally.finished is None or tally.finished.error is not None:
            why = tally.finished.error if tally.finished else None
            tiles = tally.run.tiles if tally.run else 0
            where = "".join(f", {words}" for words in tally.stage_words())
            what = f"stopped after {took}{where}, {tally.stored:,}/{count(tiles, 'tile')}"
            return f"{what}: {inert(why)}" if why else what
        kept = f" ({tally.kept:,} kept from an unfinished run)" if tally.kept else ""
        stages = f" in {tally.stage} stages" if tally.stage > 1 else ""
        stored = count(tally.earlier_tiles + tally.stored, "tile")
        done = f"{stored}{stages}{kept}, {megabytes(tally.meter.total)} MB in {took}"
        retries = f", {tally.retries:,} retried" if tally.retries else ""
        return f"done: {done} ({megabytes(tally.rate(now))} MB/s), {tally.fleet()}{retries}"

    def _news(self, tally: Tally) -> str:
        if tally.note is None or tally.note is self._told:
            return ""
        self._told = tally.note
        return f"; {inert(tally.note.text)}"
