"""What `tilefan.ndimage` has, typed there."""

from tilefan.ndimage import *  # noqa: F403
from tilefan.ndimage import __all__ as __all__
