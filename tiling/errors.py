"""Errors of a request, each of the builtin kind that SciPy raises for it."""


class TilingError(Exception):
    """Root of every error of this package."""


class BadValueError(TilingError, ValueError):
    """A parameter has a value that no filter can take."""


class BadTypeError(TilingError, TypeError):
    """A parameter is of a type that no filter can take."""


class UnsupportedError(TilingError, RuntimeError):
    """The request is well formed, but SciPy (or exactness) forbids it."""


class AbandonedError(TilingError):
    """A computation was cancelled: nobody waits for its result."""


class WireError(TilingError, ValueError):
    """A message from the network that is malformed."""


for _error in (TilingError, BadValueError, BadTypeError, UnsupportedError):
    _error.__module__ = "tilefan"  # where users catch them
