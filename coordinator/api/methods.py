"""SciPy's filters as methods; `methods.pyi`, which ``make stubs`` writes, tells them to tools."""

from __future__ import annotations

from coordinator.api.functions import method
from tiling.filters import FILTERS


class FilterMethods:
    """A method for each filter, of a class that has `engine`, `listen`, `sampling` and `turn`."""


for _row in FILTERS.values():
    setattr(FilterMethods, _row.name, method(_row))
