"""Tables as Markdown: what is printed is what is written."""

from __future__ import annotations

from collections.abc import Sequence


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table; the first column is text, the others are figures.

    Examples
    --------
    >>> print(table(("", "ms"), [("SciPy", "500")]))
    |       |  ms |
    |:------|----:|
    | SciPy | 500 |
    """
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = [_line(head, widths), _rule(widths), *(_line(row, widths) for row in rows)]
    return "\n".join(lines)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = zip(cells, widths, strict=True)
    padded = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]
    return f"| {' | '.join(padded)} |"


def _rule(widths: Sequence[int]) -> str:
    first, *others = widths
    return f"|:{'-' * (first + 1)}|{''.join('-' * (width + 1) + ':|' for width in others)}"


def verdict(ratio: float, target: float) -> str:
    """Say whether a ratio reaches its target, or by how much it does not.

    Examples
    --------
    >>> verdict(3.2, 3.0), verdict(2.4, 3.0)
    ('met', 'missed by 20 %')
    """
    return "met" if ratio >= target else f"missed by {1 - ratio / target:.0%}".replace("%", " %")
