"""`scipy.ndimage` on xarray's arrays: importing this gives every `DataArray` a `tilefan`.

>>> import numpy as np
>>> import xarray as xr
>>> import tilefan.xarray
>>> array = xr.DataArray(np.arange(12.0).reshape(3, 4), dims=("y", "x"), name="height")
>>> array.tilefan.gaussian_filter(sigma={"x": 1}).dims
('y', 'x')
"""

try:
    from xarray import register_dataarray_accessor
except ImportError as error:
    raise ImportError("tilefan.xarray needs xarray: pip install 'tilefan[xarray]'") from error

from coordinator.api.labelled import Accessor

__all__ = ["Accessor"]

register_dataarray_accessor("tilefan")(Accessor)
