"""SciPy's filters that call a function of the user's: SciPy computes them, on the whole array.

Tiles would call the function in another order, and a worker runs no code from the network.
"""

from __future__ import annotations

from typing import Any


def run(name: str, *args: Any, **kwargs: Any) -> Any:
    """Call SciPy's function of this name.

    Parameters
    ----------
    name : str
        Of a row that is refused on a fleet.
    *args, **kwargs
        As in SciPy.
    """
    from scipy import ndimage

    return getattr(ndimage, name)(*args, **kwargs)
