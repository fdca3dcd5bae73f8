"""The state of a run or a fleet as parts of a page; each is drawn at a pace that its cost sets."""

from __future__ import annotations

import operator
import queue
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from coordinator.display.listener import pause_after
from coordinator.display.tally import Tally
from coordinator.events import Event, OutputWritten, RunFinished
from coordinator.report.html import Html, join, section, tag, text, wide
from coordinator.report.log import incidents, log
from coordinator.report.maps import maps
from coordinator.report.page import facts
from coordinator.report.recorder import Recorder
from coordinator.report.times import times
from coordinator.report.workers import heads, usage, workers
from coordinator.text import brief_time, clock, megabytes

EVERY_S: Final = 0.25
"""Between two drawings of what is cheap to draw."""


NOTHING: Final = Html("")


class Page(Protocol):
    """What a live page shows."""

    title: str

    def take_in(self) -> None:
        """Add what happened since the last time to the state of the page."""

    def parts(self, now: float) -> dict[str, Html]:
        """Return all parts of the page, in their order; the same ones each time."""

    def close(self) -> None:
        """Take nothing more: nobody looks at the page any longer."""


@dataclass(slots=True)
class Part:
    """A part of a page, and when it is worth its cost to draw it again."""

    draw: Callable[[], Html]
    drawn: Html = NOTHING
    due_s: float = 0.0

    def at(self, now: float) -> Html:
        """Return the part as it is, or was not long ago."""
        if now >= self.due_s:
            before_s = time.thread_time()
            self.drawn = self.draw()
            self.due_s = now + pause_after(time.thread_time() - before_s, EVERY_S)
        return self.drawn


class RunPage:
    """A run as it goes on; of several one after another, the latest.

    Events may come from any thread: they wait in a queue for whoever draws, so that nobody who
    tells one waits for a drawing.
    """

    title = "tilefan: a run"

    def __init__(self) -> None:
        self._events: queue.SimpleQueue[tuple[float, Event]] = queue.SimpleQueue()
        self._closed = False
        self._begin()

    def handle(self, now: float, event: Event) -> None:
        """Take an event, as a listener."""
        if not self._closed:
            self._events.put((now, event))

    def close(self) -> None:
        """Take nothing more; see `Page`."""
        self._closed = True

    def parts(self, now: float) -> dict[str, Html]:
        """Return the parts of the page; see `Page`."""
        self._now = now
        return {name: part.at(now) for name, part in self._parts.items()}

    def _begin(self) -> None:
        self._tally, self._history, self._now = Tally(), Recorder(), 0.0
        history = self._history
        self._parts = {
            "progress": Part(lambda: _progress(self._tally, self._now)),
            "facts": Part(lambda: facts(history)),
            "incidents": Part(lambda: incidents(history)),
            "maps": Part(lambda: join(maps(history))),
            "workers": Part(lambda: workers(history)),
            "usage": Part(lambda: join(usage(history, history.last_s))),
            "times": Part(lambda: join(times(history))),
            "log": Part(lambda: log(history)),
        }

    def take_in(self) -> None:
        """Add the events that wait; see `Page`."""
        while not self._events.empty():
            at, event = self._events.get()
            is_over = self._history.finished is not None
            if is_over and not isinstance(event, OutputWritten):
                self._begin()
            for reducer in (self._tally, self._history):
                reducer.handle(at, event)
            if isinstance(event, RunFinished | OutputWritten):
                for part in self._parts.values():
                    part.due_s = 0.0


def _progress(tally: Tally, now: float) -> Html:
    """Draw the head of the page: what runs, how far it is, and the last news."""
    run, (done, whole) = tally.run, tally.progress()
    share = operator.truediv(done, whole)
    bar = {"value": f"{share:.4f}", "max": 1, "aria-label": "Progress of the run"}
    title = f"{run.filter}: {run.input}" if run else "starting"
    news = tally.news if tally.finished is None else None
    return join(
        [
            tag("h1", {}, text(title)),
            _state(tally),
            tag("progress", bar, text(f"{share:.0%}")),
            tag("p", {"class": "numbers"}, text(", ".join(_numbers(tally, now, share)))),
            tag("p", {"class": "news"}, text(news.text if news else "")),
        ]
    )


def _state(tally: Tally) -> Html:
    if tally.finished is None:
        return tag("p", {"class": "state", "id": "state"}, text("running" if tally.run else ""))
    if tally.finished.error is not None:
        why = f"failed: {tally.finished.error}"
        return tag("p", {"class": "state failed", "id": "state"}, text(why))
    where = f": {tally.written.path} is written" if tally.written else ": the output is whole"
    return tag("p", {"class": "state", "id": "state"}, text(f"done{where}"))


def _numbers(tally: Tally, now: float, share: float) -> Iterator[str]:
    yield from tally.stage_words()
    yield f"{int(share * 100)} %"
    if tally.run is not None:
        yield f"{tally.stage_tiles:,} of {tally.run.tiles:,} tiles"
    yield f"{megabytes(tally.rate(now))} MB/s"
    if tally.finished is not None:
        yield f"in {brief_time(tally.elapsed_s(now))}"
    else:
        yield f"{clock(tally.elapsed_s(now))} elapsed"
        yield f"{clock(tally.left_s(now))} left"


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
        while not self._seen.empty():
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
