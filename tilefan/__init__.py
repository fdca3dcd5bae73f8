"""scipy.ndimage on many machines, bit for bit.

>>> from tilefan import Fleet, gaussian_filter, ndimage
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from coordinator import ndimage
    from coordinator.api.fleet import Fleet, gaussian_filter
    from coordinator.errors import TilefanError

__all__ = ["Fleet", "TilefanError", "gaussian_filter", "ndimage"]

PLACES = {
    "Fleet": "coordinator.api.fleet",
    "TilefanError": "coordinator.errors",
    "gaussian_filter": "coordinator.api.fleet",
}


def __getattr__(name: str) -> Any:
    """Import the API on first use: NumPy takes a quarter of a second."""
    if name == "ndimage":
        return import_module("tilefan.ndimage")
    if name not in PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(PLACES[name]), name)
