"""The table of workers: columns of fixed width, and fewer of them on a narrow terminal.

A fleet that does not fit shows its workers in trouble first (lost, failing, then those that had
retries or hedges), in their usual order, and sums up the others in one line.
"""

from __future__ import annotations

import heapq
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from coordinator.display.style import STATE_STYLES, TITLE, Glyphs
from coordinator.history.history import ABSENT, State, WorkerRecord
from coordinator.text import brief_time, count, inert, megabytes, spark

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

SPARK_WIDTH: Final = 12
UNBOUNDED: Final = 10_000  # columns for what is printed once: rich would break names to fit them in
NAME_WIDTHS: Final = (8, 28)  # least and most
STATE_WIDTH: Final = 10  # least; reasons take what is left of the line


@dataclass(frozen=True, slots=True)
class Column:
    """A column of numbers: its title, width and text; a lower `need` goes first."""

    title: str
    width: int
    need: int
    text: Callable[[WorkerRecord, float], str]
    align: Literal["<", ">"] = ">"

    def place(self, text: str) -> str:
        """Pad a text to the width of the column."""
        return f"{text:{self.align}{self.width}}"


def _median(worker: WorkerRecord, _at_s: float) -> str:
    quantiles = worker.quantiles()
    return brief_time(quantiles[0]) if quantiles else "-"


def _p95(worker: WorkerRecord, _at_s: float) -> str:
    quantiles = worker.quantiles()
    return brief_time(quantiles[1]) if quantiles else "-"


def _spark(worker: WorkerRecord, at_s: float) -> str:
    return spark(worker.meter.history(at_s, SPARK_WIDTH))


_SPARKLINE: Final = Column("recent speed", SPARK_WIDTH, 3, _spark, "<")
COLUMNS: Final = (
    Column("tiles", 7, 7, lambda worker, _: f"{worker.stored:,}"),
    Column("flying", 6, 5, lambda worker, _: str(len(worker.flying))),
    Column("MB/s", 7, 6, lambda worker, at_s: megabytes(worker.meter.rate(at_s))),
    _SPARKLINE,
    Column("median", 7, 4, _median),
    Column("p95", 7, 2, _p95),
    Column("retries", 7, 4, lambda worker, _: f"{worker.failed:,}"),
    Column("hedges", 6, 1, lambda worker, _: f"{worker.hedges:,}"),
)


@dataclass(frozen=True, slots=True)
class Layout:
    """What fits into a line: the width of names, the columns, and what is left for the state."""

    name: int
    columns: tuple[Column, ...]
    state: int


def lay_out(width: int, longest_name: int, glyphs: Glyphs) -> Layout:
    """Drop the least needed columns until a line fits, then give the rest to the state."""
    least, most = NAME_WIDTHS
    name = max(least, min(longest_name, most, width // 3))
    columns = [c for c in COLUMNS if glyphs.spark or c is not _SPARKLINE]
    room = width - name - 1 - STATE_WIDTH
    while columns and sum(c.width + 1 for c in columns) > room:
        columns.remove(min(columns, key=lambda column: column.need))
    state = width - name - 1 - sum(c.width + 1 for c in columns)
    return Layout(name, tuple(columns), max(1, state))


def worker_lines(
    workers: Sequence[WorkerRecord], at_s: float, width: int, rows: int, glyphs: Glyphs
) -> list[Text]:
    """Draw the table in at most `rows` lines, title included; less than two are no table."""
    if not workers or rows < 2:
        return []
    fits = len(workers) <= rows - 1
    shown = workers if fits else most_important(workers, rows - 2)
    layout = lay_out(width, max(len(worker.name) for worker in workers), glyphs)
    lines = [_title(layout), *(_row(worker, at_s, layout, glyphs) for worker in shown)]
    return lines if fits else [*lines, _rest(workers, shown, width, glyphs)]


def most_important(workers: Sequence[WorkerRecord], most: int) -> list[WorkerRecord]:
    """Return at most so many workers, those in trouble first, in their usual order."""
    ranked = heapq.nsmallest(most, range(len(workers)), key=lambda i: (_rank(workers[i]), i))
    return [workers[i] for i in sorted(ranked)]


def _rank(worker: WorkerRecord) -> int:
    if worker.standing in ABSENT or worker.standing is State.FAILING:
        return 0
    return 1 if worker.failed or worker.hedges else 2


def _title(layout: Layout) -> Text:
    line = Text("worker".ljust(layout.name), TITLE)
    for column in layout.columns:
        line.append(f" {column.place(column.title)}")
    return line.append(" state")


def _row(worker: WorkerRecord, at_s: float, layout: Layout, glyphs: Glyphs) -> Text:
    style = STATE_STYLES[worker.state]
    name = shorten(Text(inert(worker.name), style), layout.name, glyphs)
    line = name.append(" " * (layout.name - name.cell_len))
    for column in layout.columns:
        line.append(f" {column.place(column.text(worker, at_s))}")
    reason = f": {inert(worker.reason)}" if worker.reason else ""
    state = shorten(Text(f"{worker.state.value}{reason}", style), layout.state, glyphs)
    return line.append(" ").append_text(state)


def _rest(
    workers: Sequence[WorkerRecord], shown: Sequence[WorkerRecord], width: int, glyphs: Glyphs
) -> Text:
    names = {worker.name for worker in shown}
    rest = [worker for worker in workers if worker.name not in names]
    states = Counter(worker.state for worker in rest)
    parts = [f"{states[state]:,} {state.value}" for state in State if states[state]]
    stored, flying = sum(w.stored for w in rest), sum(len(w.flying) for w in rest)
    text = (
        f"and {len(rest):,} more: {', '.join(parts)}; {count(stored, 'tile')}, {flying:,} in flight"
    )
    return shorten(Text(text, TITLE), width, glyphs)


def shorten(line: Text, width: int, glyphs: Glyphs) -> Text:
    """Shorten a line to at most `width` terminal cells, and mark that."""
    if line.cell_len > width:
        line.truncate(max(0, width - len(glyphs.ellipsis)))
        line.append(glyphs.ellipsis)
    return line


def print_table(table: Table, lines: Iterable[str]) -> None:
    """Print a table, and lines below it that a terminal gets broken between words."""
    console = Console(width=UNBOUNDED)
    console.print(table)
    words = Console() if console.is_terminal else console
    for line in lines:
        words.print(Text(line))


def workers_table(
    title: str, columns: Sequence[str], rows: Iterable[tuple[Sequence[str], bool]]
) -> Table:
    """Return a table with a row for each worker: its cells, and whether it is in trouble.

    The first column is words, the others are put to the right; all stay text, whatever they hold.
    """
    table = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(columns[0], overflow="fold")
    for name in columns[1:]:
        table.add_column(name, no_wrap=True, justify="right")
    for cells, trouble in rows:
        table.add_row(*map(Text, cells), style="red" if trouble else "")
    return table
