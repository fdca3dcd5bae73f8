"""The coordinator of a fleet. What users need of it is in `tilefan`.

>>> from coordinator import Fleet, gaussian_filter
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from coordinator.api.fleet import Fleet, gaussian_filter

__all__ = ["Fleet", "gaussian_filter"]


def __getattr__(name: str) -> Any:
    """Import the API on first use: `coord --help` loads not even NumPy."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from coordinator.api import fleet

    return getattr(fleet, name)
