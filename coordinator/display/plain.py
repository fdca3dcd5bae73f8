"""A run in lines of plain text: for logs, pipes and dumb terminals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coordinator.text import clock, count, inert, megabytes

if TYPE_CHECKING:
    from coordinator.display.tally import Tally
    from coordinator.history.history import Remark


class PlainLines:
    """Lines about a tally: one at a time while the run lasts."""

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
        how_far = f"{int(done * 100 / whole)} %: {', '.join(parts)}"
        return "; ".join(filter(None, (how_far, self.news(tally))))

    def news(self, tally: Tally) -> str:
        """Return the last news, unless an earlier line had it."""
        if tally.news is None or tally.news is self._last_news:
            return ""
        self._last_news = tally.news
        return inert(tally.news.text)
