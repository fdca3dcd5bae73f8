"""A run on a live page: the display's reducer for how far it is, the report's for the charts."""

from __future__ import annotations

import operator
import queue
from collections.abc import Iterator

from coordinator.display.tally import Tally
from coordinator.events import Event, OutputWritten, RunFinished
from coordinator.report.html import Html, join, tag, text
from coordinator.report.log import incidents, log
from coordinator.report.maps import maps
from coordinator.report.page import facts
from coordinator.report.recorder import Recorder
from coordinator.report.times import times
from coordinator.report.workers import usage, workers
from coordinator.text import brief_time, clock, megabytes
from coordinator.web.page import Part


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
        for _ in range(self._events.qsize()):
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
