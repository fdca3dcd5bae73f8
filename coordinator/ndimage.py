"""The functions behind `tilefan.ndimage`: `scipy.ndimage` on this machine's cores.

>>> from coordinator import ndimage
>>> import numpy as np
>>> ndimage.median_filter(np.arange(25).reshape(5, 5), size=3)[0]
array([1, 2, 3, 4, 4])
"""

from __future__ import annotations

from coordinator.api.local import FUNCTIONS, run

__all__ = ["run", *FUNCTIONS]  # noqa: PLE0604 -- a name for each row

globals().update(FUNCTIONS)
