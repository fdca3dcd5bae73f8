"""`scipy.ndimage` on this machine's cores: the same names, signatures and bits.

Static tools read `ndimage.pyi` instead, which ``make stubs`` writes.

>>> from tilefan import ndimage
>>> import numpy as np
>>> ndimage.median_filter(np.arange(25).reshape(5, 5), size=3)[0]
array([1, 2, 3, 4, 4])
"""

from coordinator.ndimage import *  # noqa: F403
from coordinator.ndimage import __all__ as __all__
