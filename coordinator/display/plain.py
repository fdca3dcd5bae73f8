"""A run in lines of plain text: for logs, pipes and dumb terminals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coordinator.text import brief_time, clock, count, inert, megabytes

if TYPE_CHECKING:
    from coordinator.display.tally import Tally
    from coordinator.history.history import Remark


class PlainLines:
    """Lines about a tally: one at a time while the run lasts, then a final one."""

    def __init__(self) -> None:
        self._last_news: Remark | None = None

    def line(self, tally: Tally, now: float) -> str:
        """Return how far the run is, and the last news unless an earlier line had it."""
        tiles = tally.run.tiles if tally.run else 0
        done, whole = tally.progress()
        parts = [
            *tally.stage_words(),
            f"{tally.stage_tiles:,}/{count(tiles, 'tile')}",
            f"{megabytes(tally.rate(now))} MB/s",
            f"{clock(tally.elapsed_s(now))} elapsed",
            f"{clock(tally.left_s(now))} left",
            tally.fleet(),
        ]
        return f"{int(done * 100 / whole)} %: {', '.join(parts)}{self._news(tally)}"

    def last_line(self, tally: Tally, now: float) -> str:
        """Return how the run ended."""
        took = brief_time(tally.elapsed_s(now))
        if tally.finished is None or tally.finished.error is not None:
            why = tally.finished.error if tally.finished else None
            tiles = tally.run.tiles if tally.run else 0
            where = "".join(f", {words}" for words in tally.stage_words())
            what = f"stopped after {took}{where}, {tally.stage_tiles:,}/{count(tiles, 'tile')}"
            return f"{what}: {inert(why)}" if why else what
        kept = f" ({tally.kept:,} kept from an unfinished run)" if tally.kept else ""
        stages = f" in {tally.stage} stages" if tally.stage > 1 else ""
        stored = count(tally.kept + tally.stored, "tile")
        done = f"{stored}{stages}{kept}, {megabytes(tally.meter.total)} MB in {took}"
        retries = f", {tally.retries:,} retried" if tally.retries else ""
        return f"done: {done} ({megabytes(tally.rate(now))} MB/s), {tally.fleet()}{retries}"

    def _news(self, tally: Tally) -> str:
        if tally.news is None or tally.news is self._last_news:
            return ""
        self._last_news = tally.news
        return f"; {inert(tally.news.text)}"
