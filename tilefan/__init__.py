"""scipy.ndimage on many machines, bit for bit.

>>> from tilefan import Fleet, as_scipy, ndimage

`ndimage` has SciPy's functions on this machine's cores, a `Fleet` has them on its workers, and
`as_scipy` has libraries that call `scipy.ndimage` use them.

What goes wrong is a `TilefanError`; each kind has the exit code with which `coord` ends:

    TilefanError          1   the root of these
    InputError            2   the request can't be carried out as it was put
    ConfigError           2   the list of hosts has mistakes; it is an InputError
    NoWorkerError         3   no worker can be used
    TileFailedError       4   a tile failed everywhere, or the fleet was lost
    VerifyError           5   verification found different bits
    TrustError            6   a worker, or this machine, could not prove who it is
    StoreError            7   an array can't be read or written
    InputChangedError     7   the input was written to meanwhile; it is a StoreError

A parameter that can't be is a `TilingError` (exit code 2), of the builtin kind that SciPy raises:

    BadValueError         a ValueError
    BadTypeError          a TypeError
    UnsupportedError      a RuntimeError: SciPy refuses it, or tiles would not give the same bits

A setting that is less safe than it could be is warned of by a `TrustWarning`.
"""

from importlib import import_module
from typing import TYPE_CHECKING

__all__ = [
    "BadTypeError",
    "BadValueError",
    "ConfigError",
    "Fleet",
    "InputChangedError",
    "InputError",
    "NoWorkerError",
    "StoreError",
    "TileFailedError",
    "TilefanError",
    "TilingError",
    "TrustError",
    "TrustWarning",
    "UnsupportedError",
    "VerifyError",
    "__version__",
    "as_scipy",
    "gaussian_filter",
    "ndimage",
]

if TYPE_CHECKING:
    from coordinator.api.as_scipy import as_scipy
    from coordinator.api.fleet import Fleet
    from coordinator.errors import (
        ConfigError,
        InputChangedError,
        InputError,
        NoWorkerError,
        StoreError,
        TileFailedError,
        TilefanError,
        TrustError,
        TrustWarning,
        VerifyError,
    )
    from tilefan import ndimage
    from tilefan.ndimage import gaussian_filter
    from tiling.errors import BadTypeError, BadValueError, TilingError, UnsupportedError

    __version__: str
else:
    PLACES = {
        "Fleet": "coordinator.api.fleet",
        "as_scipy": "coordinator.api.as_scipy",
        "gaussian_filter": "tilefan.ndimage",
        **dict.fromkeys(
            ("BadTypeError", "BadValueError", "TilingError", "UnsupportedError"), "tiling.errors"
        ),
    }

    def __getattr__(name):
        """Import on first use: NumPy takes a quarter of a second."""
        if name == "ndimage":
            return import_module("tilefan.ndimage")
        if name == "__version__":
            return import_module("importlib.metadata").version("tilefan")
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(PLACES.get(name, "coordinator.errors")), name)


def __dir__() -> list[str]:
    return __all__
