"""Runs and fleets in a Jupyter notebook: plain HTML, and text beside it, without widgets.

The runs of a cell share one output of it, which is replaced a few times a second. A notebook that
is saved or converted holds its last state.
"""

from __future__ import annotations

import html
import math
import operator
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Protocol

from coordinator.display.tally import Tally
from coordinator.events import RunFinished
from coordinator.text import brief_time, clock, count, inert, megabytes

if TYPE_CHECKING:
    from coordinator.events import Event
    from coordinator.history.history import WorkerRecord

EVERY_S: Final = 0.25
WIDTH: Final = 30
MOST_WORKERS: Final = 20
"""Rows of the table; those in trouble come first."""


def in_notebook() -> bool:
    """Tell whether this is the kernel of a notebook; it imports nothing to find out."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return type(shell).__name__ == "ZMQInteractiveShell"


@dataclass(frozen=True, slots=True)
class Picture:
    """What a notebook shows, as HTML or as text."""

    text: str
    html: str

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return self.html


class Handle(Protocol):
    """What replaces an output: IPython's `DisplayHandle`."""

    def update(self, picture: Picture) -> object:
        """Show another picture in its place."""


def display(picture: Picture) -> Handle:
    """Show a picture as an output of the cell that runs."""
    handle: Handle = import_module("IPython.display").display(picture, display_id=True)
    return handle


def running_cell() -> object:
    """Return what tells the cell that runs from others: its number."""
    shell: Any = import_module("IPython").get_ipython()
    return shell.execution_count


class Bar:
    """A listener that shows a run as a bar, with a table of its workers.

    Parameters
    ----------
    display : callable
        Shows a picture, and returns what replaces it.
    cell : callable
        Returns what tells cells apart.
    """

    def __init__(
        self,
        display: Callable[[Picture], Handle] = display,
        cell: Callable[[], object] = running_cell,
    ) -> None:
        self._display = display
        self._cell = cell
        self._tally = Tally()
        self._shown_s = -math.inf
        self._shown_in: object = None
        self._handle: Handle | None = None

    def __call__(self, now: float, event: Event) -> None:
        """Count an event, and draw if the last time is long enough ago."""
        self._tally.handle(now, event)
        over = isinstance(event, RunFinished)
        if self._tally.run and (over or now - self._shown_s >= EVERY_S):
            self._shown_s = now
            self._show(picture(self._tally, now))
        if over:
            self._tally, self._shown_s = Tally(), -math.inf

    def _show(self, picture: Picture) -> None:
        cell = self._cell()
        if self._handle is None or cell != self._shown_in:
            self._handle, self._shown_in = self._display(picture), cell
        else:
            self._handle.update(picture)


def picture(tally: Tally, now: float) -> Picture:
    """Draw the state of a run."""
    done = operator.truediv(*tally.progress())
    words = _words(tally, now, done)
    bar = f'<progress value="{done:.3f}" max="1" style="width: 20em"></progress>'
    return Picture(
        f"{'█' * int(done * WIDTH):░<{WIDTH}} {words}",
        f"<div>{bar} {html.escape(words)}</div>{_workers(tally, now)}",
    )


def _words(tally: Tally, now: float, done: float) -> str:
    line = f"{done:4.0%} {megabytes(tally.rate(now))} MB/s"
    if tally.finished is None:
        return " ".join([line, clock(tally.left_s(now)), "left", *tally.stage_words()])
    took = f"{line} in {brief_time(tally.elapsed_s(now))}"
    return f"{took}: {inert(tally.finished.error)}" if tally.finished.error else took


def _workers(tally: Tally, now: float) -> str:
    """Return a table of the workers, or of those that matter most."""
    from coordinator.display.worker_table import most_important  # it imports rich

    workers = list(tally.workers.values())
    shown = most_important(workers, MOST_WORKERS)
    title = count(len(workers), "worker")
    if len(shown) < len(workers):
        title += f", {len(shown)} of them here"
    at_s = tally.at_s(now)
    rows = (_row(worker, at_s) for worker in shown)
    return table(title, rows, ("worker", "tiles", "MB/s", "state"))


def _row(worker: WorkerRecord, at_s: float) -> tuple[str, ...]:
    state = f"{worker.state.value}{f': {worker.reason}' if worker.reason else ''}"
    return worker.name, f"{worker.stored:,}", megabytes(worker.meter.rate(at_s)), state


def table(caption: str, rows: Iterable[Sequence[str]], head: Sequence[str] = ()) -> str:
    """Return a table as HTML; the first cell of a row is its heading.

    >>> table("a", [("b", "<c>")])
    '<table><caption>a</caption><tr><th>b</th><td>&lt;c&gt;</td></tr></table>'
    """
    titles = "".join(f"<th>{_cell(title)}</th>" for title in head)
    lines = [f"<tr>{titles}</tr>"] if titles else []
    for first, *others in rows:
        cells = "".join(f"<td>{_cell(text)}</td>" for text in others)
        lines.append(f"<tr><th>{_cell(first)}</th>{cells}</tr>")
    return f"<table><caption>{_cell(caption)}</caption>{''.join(lines)}</table>"


def _cell(text: str) -> str:
    return html.escape(inert(text))
