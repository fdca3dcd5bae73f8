"""Tables of workers: without frames, so that all columns fit into eighty characters.

A name that is too long for that goes on below; numbers are never cut.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.table import Table
from rich.text import Text


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
