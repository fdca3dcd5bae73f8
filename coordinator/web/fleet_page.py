"""A fleet on a live page: the table of its workers, what they use, and who came and went."""

from __future__ import annotations

import queue
from collections.abc import Sequence
from dataclasses import dataclass

from coordinator.events import Event
from coordinator.report.html import Html, join, section, tag, text, wide
from coordinator.report.log import log
from coordinator.report.recorder import Recorder
from coordinator.report.workers import heads, usage


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the fleet's table; of a worker in trouble."""

    cells: Sequence[str]
    trouble: bool


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen of a fleet at a time: the table, and the same as events."""

    at_s: float
    title: str
    rows: Sequence[Row]
    events: Sequence[Event]


class FleetPage:
    """A fleet as it is now.

    Parameters
    ----------
    columns : sequence of str
        Of the table.
    """

    title = "tilefan: the fleet"

    def __init__(self, columns: Sequence[str]) -> None:
        self._columns = columns
        self._seen: queue.SimpleQueue[Look] = queue.SimpleQueue()
        self._history = Recorder(timed=False)
        self._last = Look(0.0, "looking", (), ())
        self._drawn: dict[str, Html] | None = None
        self._closed = False

    def show(self, look: Look) -> None:
        """Take what was seen."""
        if not self._closed:
            self._seen.put(look)

    def close(self) -> None:
        """Take nothing more; see `Page`."""
        self._closed = True

    def take_in(self) -> None:
        """Add what was seen; see `Page`."""
        for _ in range(self._seen.qsize()):
            self._last, self._drawn = self._seen.get(), None
            for event in self._last.events:
                self._history.handle(self._last.at_s, event)

    def parts(self, now: float) -> dict[str, Html]:  # noqa: ARG002 -- a table tells no ages
        """Return the parts of the page; see `Page`."""
        if self._drawn is None:
            self._drawn = self._draw()
        return self._drawn

    def _draw(self) -> dict[str, Html]:
        history = self._history
        lines = [_line(row) for row in self._last.rows]
        table = tag("table", {"id": "fleet"}, heads(self._columns), *lines)
        return {
            "progress": tag("h1", {}, text(self._last.title)),
            "workers": section("Workers", wide(table, "Workers")),
            "usage": join(usage(history, history.last_s)),
            "log": log(history),
        }


def _line(row: Row) -> Html:
    name, *others = row.cells
    cells = [tag("td", {}, text(cell)) for cell in others]
    trouble = {"class": "failed"} if row.trouble else {}
    return tag("tr", trouble, tag("th", {"scope": "row"}, text(name)), *cells)
