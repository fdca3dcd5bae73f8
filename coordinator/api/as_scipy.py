"""`scipy.ndimage` replaced for a block, so that libraries which call it filter here.

Blocks may be nested, and those of several threads may overlap, so what is in force is a list: the
last block that was entered and is not left serves everybody, and SciPy's functions are put back
when there is none. A function that somebody kept from inside a block is SciPy's again after it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from coordinator.api.local import FUNCTIONS
from coordinator.api.methods import FilterMethods
from coordinator.errors import InputError
from tiling.errors import TilingError
from tiling.filters import supported

if TYPE_CHECKING:
    from coordinator.api.fleet import Fleet

Functions = Mapping[str, Callable[..., Any]]

_blocks: list[Functions] = []
_lock = threading.Lock()


@contextmanager
def as_scipy(fleet: Fleet | None = None) -> Iterator[None]:
    """Have the functions of `scipy.ndimage` filter on a fleet, for the length of a block.

    Libraries that call `scipy.ndimage.gaussian_filter` and its like, scikit-image among them, then
    use the fleet, and get the same bits. What can't be tiled with the same bits, and what SciPy
    refuses, SciPy itself does or refuses: `generic_filter` and others that call a function, arrays
    on a GPU or of another library. Functions that tilefan has not, such as `label` and `zoom`, stay
    as they are. If the fleet fails, the call raises a `TilefanError`.

    Parameters
    ----------
    fleet : Fleet, optional
        This machine's cores unless given.

    Raises
    ------
    InputError
        If it is something else.

    Notes
    -----
    The attributes of the module `scipy.ndimage` are replaced, so a name that was imported earlier
    with ``from scipy.ndimage import gaussian_filter`` is not reached; ``from scipy import ndimage``
    is. Small arrays take longer on a fleet: each call asks the workers.

    The block holds for all threads of the process. Calls of several threads take turns on a fleet.
    Blocks may be nested: the inner one holds until it ends. Processes that are started in a block,
    but not by a fork, have SciPy's functions.

    Examples
    --------
    >>> import tilefan
    >>> from scipy import ndimage
    >>> with tilefan.as_scipy():
    ...     ndimage.median_filter([5, 1, 9, 3, 7], size=3)
    array([5, 5, 3, 7, 7])
    """
    if not isinstance(fleet, FilterMethods | None):
        raise InputError(f"as_scipy takes a Fleet, not {fleet!r}: write with Fleet(...) as fleet")
    names = [row.name for row in supported()]
    functions = {name: getattr(fleet, name) if fleet else FUNCTIONS[name] for name in names}
    _enter(functions)
    try:
        yield
    finally:
        _leave(functions)


def _enter(functions: Functions) -> None:
    from tiling.kernels import scipys

    with _lock:
        if not _blocks:
            scipys.replace({name: _stand_in(name) for name in functions})
        _blocks.append(functions)


def _leave(functions: Functions) -> None:
    from tiling.kernels import scipys

    with _lock:
        _blocks[:] = [each for each in _blocks if each is not functions]
        if not _blocks:
            scipys.restore()


def _stand_in(name: str) -> Callable[..., Any]:
    """Return what stands in the place of SciPy's function of this name."""
    from tiling.kernels import scipys

    def call(*args: Any, **kwargs: Any) -> Any:
        blocks = _blocks[-1:]
        if blocks and not _foreign(args[0] if args else kwargs.get("input")):
            try:
                return blocks[0][name](*args, **kwargs)
            except TilingError:
                pass
        return scipys.call(name, *args, **kwargs)

    return call


def _foreign(array: Any) -> bool:
    """Tell whether this is an array of another library, which SciPy may give back as one."""
    return hasattr(array, "__dlpack__") and not isinstance(array, np.ndarray)
