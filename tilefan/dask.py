"""`scipy.ndimage` on dask arrays: the same names, signatures and bits, and lazy.

Each output chunk is one task, which reads the chunks that its halo touches. Static tools read
`dask.pyi` instead, which ``make stubs`` writes.

>>> import dask.array as da
>>> import tilefan.dask
>>> x = da.arange(25, chunks=10).reshape(5, 5)
>>> tilefan.dask.median_filter(x, size=3)[0].compute()
array([1, 2, 3, 4, 4])
"""

try:
    import dask.array  # noqa: F401
except ImportError as error:
    raise ImportError("tilefan.dask needs dask: pip install 'tilefan[dask]'") from error

from coordinator.api.lazy import FUNCTIONS, run

__all__ = ["run", *FUNCTIONS]  # noqa: PLE0604 -- a name for each row

globals().update(FUNCTIONS)
