"""Listeners that show the progress of a run, one for each style.

    rich    a live display on stderr                                 terminals
    plain   a line on stderr every few seconds, and a final one      logs, pipes, dumb terminals
    json    every event as a line on stdout                          programs
    none    nothing
    auto    rich on a terminal that can move its cursor and has a person before it, or else plain

Counting an event takes microseconds; drawing is done by a thread of its own at a pace that its cost
sets (see `Ticker`), and whatever happens to the run, the terminal gets its cursor back. What draws
is imported when it is to draw: help and quiet runs do without.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, Literal, Protocol, TextIO, TypeAlias

from coordinator.errors import InputError
from coordinator.events import Event, FleetAwaited, WorkerBack, WorkerEjected, WorkerLost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from coordinator.events import Listener

Style: TypeAlias = Literal["auto", "rich", "plain", "json", "none"]

FRAME_S: Final = 0.125  # eight frames a second look alive
LINE_S: Final = 5.0  # a log that grows by a line every five seconds can still be read
CPU_SHARE: Final = 0.01  # of one core, for drawing: progress is not worth more of a run


AT_ONCE: Final = (WorkerLost, WorkerEjected, WorkerBack, FleetAwaited)
"""Events that make a line of their own in plain progress, as soon as they come."""


class Display(Protocol):
    """A display of a run: takes its events, draws now and then, and is closed at the end."""

    def handle(self, now: float, event: Event) -> None:
        """Add an event."""

    def draw(self) -> None:
        """Show the state of the run."""

    def close(self) -> None:
        """Show how the run ended, and leave the terminal as it was."""


@contextmanager
def make_listener(
    style: Style = "auto",
    stream: TextIO | None = None,
    *,
    environ: Mapping[str, str] = os.environ,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Listener]:
    """Show a run for as long as the context lasts.

    Parameters
    ----------
    style : str
        ``auto``, ``rich``, ``plain``, ``json`` or ``none``.
    stream : TextIO, optional
        Where to write; by default stderr, and stdout for ``json``.
    environ : mapping
        Where ``TERM``, ``NO_COLOR``, ``CI`` and ``TILEFAN_MAP`` are looked up.
    clock : callable
        The clock, in seconds, that the times of the events are read from.

    Yields
    ------
    Listener
        To be called with each event and its time.

    Raises
    ------
    InputError
        If ``TILEFAN_MAP`` is no map.
    """
    if (shown := environ.get("TILEFAN_MAP", "")) not in {"", "worker"}:
        raise InputError(f"TILEFAN_MAP={shown}: there is no such map; unset it, or say worker")
    if stream is None:
        stream = sys.stdout if style == "json" else sys.stderr
    if style == "auto":
        style = "rich" if _can_animate(stream, environ) and "CI" not in environ else "plain"
    if style == "none":
        yield _ignore
    elif style == "json":
        yield _JsonListener(stream)
    else:
        display = _rich(stream, environ, clock) if style == "rich" else PlainDisplay(stream, clock)
        with _shown(display, FRAME_S if style == "rich" else LINE_S):
            yield display.handle


def _can_animate(stream: TextIO, environ: Mapping[str, str]) -> bool:
    return stream.isatty() and environ.get("TERM", "dumb") not in {"", "dumb", "unknown"}


def _rich(stream: TextIO, environ: Mapping[str, str], clock: Callable[[], float]) -> Display:
    from coordinator.display.live import LiveDisplay  # rich is loaded for those who see it

    return LiveDisplay(
        stream,
        animated=_can_animate(stream, environ),
        colour=_can_animate(stream, environ) and not environ.get("NO_COLOR"),
        clock=clock,
        by_worker=environ.get("TILEFAN_MAP") == "worker",
    )


def _ignore(_now: float, _event: Event) -> None:
    return


@contextmanager
def _shown(display: Display, interval_s: float) -> Iterator[None]:
    ticker = Ticker(display.draw, interval_s)
    try:
        ticker.start()
        yield
    finally:
        try:
            ticker.stop()
        finally:
            display.close()


class Ticker:
    """A thread that draws, seldom enough to cost no more than `CPU_SHARE` of a core.

    Parameters
    ----------
    draw : callable
        Draws once; called from the thread.
    interval_s : float
        Least pause between two drawings.
    """

    def __init__(self, draw: Callable[[], None], interval_s: float) -> None:
        self._draw = draw
        self._interval_s = interval_s
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="progress", daemon=True)

    def start(self) -> None:
        """Begin to draw."""
        self._thread.start()

    def stop(self) -> None:
        """Draw no more; returns when the last drawing is done."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        pause_s = self._interval_s
        while not self._stopped.wait(pause_s):
            before_s = time.thread_time()
            self._draw()
            pause_s = pause_after(time.thread_time() - before_s, self._interval_s)


def pause_after(cost_s: float, interval_s: float) -> float:
    """Return the seconds to wait after a drawing that took `cost_s` seconds of a core.

    Examples
    --------
    >>> pause_after(0.001, interval_s=0.125), pause_after(0.005, interval_s=0.125)
    (0.125, 0.5)
    """
    return max(interval_s, cost_s / CPU_SHARE)


class PlainDisplay:
    """Lines of plain text about a run."""

    def __init__(self, stream: TextIO, clock: Callable[[], float]) -> None:
        self._stream = stream
        self._clock = clock
        self._lock = threading.Lock()
        from coordinator.display.plain import PlainLines
        from coordinator.display.tally import Tally

        self._tally = Tally()
        self._lines = PlainLines()
        self._kept: list[str] = []

    def handle(self, now: float, event: Event) -> None:
        """Count an event; what happened before the run is told as it starts, if it does."""
        with self._lock:
            self._tally.handle(now, event)
            if isinstance(event, AT_ONCE):
                self._kept.append(self._lines.news(self._tally))
            lines = self._kept if self._tally.run is not None else []
            if lines:
                self._kept = []
        for line in lines:
            _write_line(self._stream, line)

    def draw(self) -> None:
        """Write how far the run is, unless it is over."""
        with self._lock:
            over = self._tally.first_s is None or self._tally.finished is not None
            line = "" if over else self._lines.line(self._tally, self._clock())
        _write_line(self._stream, line)

    def close(self) -> None:
        """Write how the run ended; nothing if it never began."""
        from coordinator.display.closing import closing_lines

        if self._tally.run is not None:
            for line in closing_lines(self._tally, self._clock()):
                _write_line(self._stream, line)


class _JsonListener:
    def __init__(self, stream: TextIO) -> None:
        from coordinator.display.json_lines import encode

        self._encode = encode
        self._stream = stream
        self._start_s: float | None = None

    def __call__(self, now: float, event: Event) -> None:
        if self._start_s is None:
            self._start_s = now
        _write_line(self._stream, self._encode(max(0.0, now - self._start_s), event))


def _write_line(stream: TextIO, line: str) -> None:
    """Write a line; a reader that went away is no reason to stop a run."""
    if line:
        with suppress(OSError, ValueError):  # ValueError: the stream is closed
            stream.write(f"{line}\n")
            stream.flush()
