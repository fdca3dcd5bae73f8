"""The coordinator of a fleet. What users need of it is in `tilefan`.

>>> from coordinator import Fleet, gaussian_filter
"""

from __future__ import annotations

TYPE_CHECKING = False
"""As of `typing`, which takes 10 ms to import: until then Ctrl-C would show a traceback."""

if TYPE_CHECKING:
    from typing import Any

    from coordinator.api.fleet import Fleet, gaussian_filter

__all__ = ["Fleet", "gaussian_filter"]


def __getattr__(name: str) -> Any:
    """Import the API on first use: `coord --help` loads not even NumPy."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from coordinator.api import fleet

    return getattr(fleet, name)
