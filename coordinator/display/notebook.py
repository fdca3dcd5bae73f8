"""Runs and fleets in a Jupyter notebook: text and plain HTML, without widgets.

A cell shows one line that is written over by a carriage return, a few times a second; a notebook
keeps the last one.
"""

from __future__ import annotations

import html
import math
import operator
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, TextIO

from coordinator.display.tally import Tally
from coordinator.events import RunFinished
from coordinator.text import brief_time, clock, inert, megabytes

if TYPE_CHECKING:
    from coordinator.events import Event

EVERY_S: Final = 0.25
WIDTH: Final = 30


def in_notebook() -> bool:
    """Tell whether this is the kernel of a notebook; it imports nothing to find out."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return type(shell).__name__ == "ZMQInteractiveShell"


class Bar:
    """A listener that shows a run as a bar of one line.

    Parameters
    ----------
    stream : TextIO, optional
        stdout, as it is at each writing, unless given: a notebook has one for each cell.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream
        self._tally = Tally()
        self._shown_s = -math.inf
        self._longest = 0

    def __call__(self, now: float, event: Event) -> None:
        """Count an event, and draw if the last time is long enough ago."""
        self._tally.handle(now, event)
        over = isinstance(event, RunFinished)
        if over or now - self._shown_s >= EVERY_S:
            self._shown_s = now
            self._write(self._line(now), "\n" if over else "")
        if over:
            self._tally, self._longest, self._shown_s = Tally(), 0, -math.inf

    def _line(self, now: float) -> str:
        tally = self._tally
        done = operator.truediv(*tally.progress())
        bar = "█" * int(done * WIDTH)
        line = f"{bar:░<{WIDTH}} {done:4.0%} {megabytes(tally.rate(now))} MB/s"
        if tally.finished is None:
            return f"{line} {clock(tally.left_s(now))} left"
        took = f"{line} in {brief_time(tally.elapsed_s(now))}"
        return f"{took}: {inert(tally.finished.error)}" if tally.finished.error else took

    def _write(self, line: str, end: str) -> None:
        stream = self._stream or sys.stdout
        self._longest = max(self._longest, len(line))
        stream.write(f"\r{line:{self._longest}}{end}")
        stream.flush()


def table(caption: str, rows: Mapping[str, object]) -> str:
    """Return a table of names and values as HTML.

    >>> table("a", {"b": "<c>"})
    '<table><caption>a</caption><tr><th>b</th><td>&lt;c&gt;</td></tr></table>'
    """
    lines = (
        f"<tr><th>{html.escape(inert(name))}</th><td>{html.escape(inert(str(value)))}</td></tr>"
        for name, value in rows.items()
    )
    return f"<table><caption>{html.escape(inert(caption))}</caption>{''.join(lines)}</table>"
