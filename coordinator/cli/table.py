"""The table of filters for the README, made from the rows: ``coord filters --markdown``."""

from __future__ import annotations

from tiling.filters import FILTERS, Exactness

START, END = "<!-- filters -->", "<!-- /filters -->"
"""Between these the README holds what `markdown` returns."""

WORDS = {Exactness.HALO: "halo", Exactness.LINES: "halo or lines", Exactness.REFUSED: "refused"}


def markdown() -> str:
    """Return the table in Markdown, rows that say the same in one."""
    groups: dict[tuple[str, str, str, str], list[str]] = {}
    for row in FILTERS.values():
        said = (WORDS[row.exactness], row.halo, row.dtypes.value, row.note)
        groups.setdefault(said, []).append(f"`{row.name}`")
    lines = ["| filters | tiles | halo | dtypes | what holds besides |", "|---|---|---|---|---|"]
    for said, names in groups.items():
        lines.append(f"| {' '.join(names)} | {' | '.join(said)} |")
    return "\n".join(lines)
