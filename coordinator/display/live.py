"""The rich display: a tally of the run's events, drawn as frames on a canvas by another thread."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, TextIO

from coordinator.display.canvas import Canvas
from coordinator.display.frame import Size, frame
from coordinator.display.style import ASCII, UNICODE
from coordinator.display.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.text import Text

    from coordinator.events import Event


class LiveDisplay:
    """A live display of a run.

    Parameters
    ----------
    stream : TextIO
        Where to draw.
    animated : bool
        Whether the stream can move its cursor; if not, only the last frame is drawn.
    colour : bool
        Whether to use colours.
    clock : callable
        The clock of the events, in seconds.
    by_worker : bool
        Whether the map shows the worker of each tile, not its state.
    """

    def __init__(
        self,
        stream: TextIO,
        *,
        animated: bool,
        colour: bool,
        clock: Callable[[], float],
        by_worker: bool = False,
    ) -> None:
        self._clock = clock
        self._by_worker = by_worker
        self._lock = threading.Lock()
        self._tally = Tally()
        self._glyphs = UNICODE if (stream.encoding or "").lower().startswith("utf") else ASCII
        self._canvas = Canvas(
            stream, animated=animated, colour=colour, size=lambda: size_of(stream)
        )

    def handle(self, now: float, event: Event) -> None:
        """Count an event."""
        with self._lock:
            self._tally.handle(now, event)

    def draw(self) -> None:
        """Draw the state of the run."""
        self._canvas.draw(self._frame)

    def close(self) -> None:
        """Leave the last frame, and the terminal as it was."""
        self._canvas.close(self._frame)

    def _frame(self, size: Size) -> list[Text]:
        with self._lock:
            now = self._clock()
            return frame(self._tally, now, size, self._glyphs, by_worker=self._by_worker)


def size_of(stream: TextIO) -> Size:
    """Ask the terminal behind a stream for its size; 80 x 24 where there is none."""
    try:
        columns, rows = os.get_terminal_size(stream.fileno())
    except (OSError, ValueError):
        columns, rows = 0, 0
    return Size(columns or 80, rows or 24)
