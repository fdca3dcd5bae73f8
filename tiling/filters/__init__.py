"""The table of filters: a row each, from SciPy's parameters to operations.

A row takes the parameters that `scipy.ndimage` takes, means by them what SciPy means, and refuses
what SciPy refuses with the same kind of error, before anything is sent. To add a filter, add a row
and the function of that name in its module, which is imported when the row is first called; the
tests of exactness, signatures and bad input run over all of them.
"""

from __future__ import annotations

import enum
import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NoReturn

from tiling.errors import UnsupportedError

if TYPE_CHECKING:
    from tiling.jobs.job import Call

__all__ = ["FILTERS", "Dtypes", "Exactness", "Filter", "supported"]


class Exactness(enum.Enum):
    """Why tiles give the same bits as the whole."""

    HALO = "every output sample depends on its own window only: tiles with a halo are exact"
    LINES = "state may run along a line: then tiles own whole lines, axis by axis"
    REPEATED = "tiles are computed again until none of them changes: every order ends the same"
    REFUSED = "no tiles give the same bits"


class Dtypes(enum.Enum):
    """The dtypes that a filter reads."""

    NUMBERS = "bool, integers, float32, float64, complex"
    REAL = "bool, integers, float32, float64"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Filter:
    """A row of the table.

    Parameters
    ----------
    name : str
        SciPy's.
    module : str
        Of `tiling.filters`, in which its function is; empty if the filter is refused.
    exactness : Exactness
    halo : str
        The samples read before and after each sample, in words.
    dtypes : Dtypes
    note : str
        What holds besides, or the reason of a refusal.
    in_place : bool
        Whether SciPy gives the same when the output is the input; where it does not, an output
        that shares memory with the input is refused.
    own_dtype : bool
        Whether the filter has a dtype of its own for its output: SciPy ignores whatever `output` is
        but an array to fill.
    """

    name: str
    module: str
    exactness: Exactness
    halo: str
    dtypes: Dtypes
    note: str = ""
    in_place: bool = True
    own_dtype: bool = False

    @property
    def call(self) -> Callable[..., Call]:
        """The function that normalises SciPy's parameters: ``call(ndim, dtype, *args, **kwargs)``.

        It raises `tiling.errors.TilingError` for what SciPy refuses; that of a refused filter
        raises `tiling.errors.UnsupportedError` whatever its parameters.
        """
        return _refusal(self) if self.exactness is Exactness.REFUSED else _function(self)

    @property
    def signature(self) -> inspect.Signature:
        """SciPy's parameters without ``input``.

        Examples
        --------
        >>> list(FILTERS["uniform_filter1d"].signature.parameters)
        ['size', 'axis', 'output', 'mode', 'cval', 'origin']
        """
        return _signature(self)

    @property
    def defaults(self) -> Mapping[str, Any]:
        """Every parameter with its default, `inspect.Parameter.empty` where it has none.

        What SciPy hands on as ``**kwargs`` is named: they are options of `gaussian_filter`.
        """
        return _defaults(self)

    @property
    def summary(self) -> str:
        """The first line of the function's docstring."""
        return (inspect.getdoc(self.call) or "").partition("\n")[0]


@functools.cache
def _function(row: Filter) -> Callable[..., Call]:
    function: Callable[..., Call]
    function = getattr(import_module(f"{__name__}.{row.module}"), row.name)
    return function


def _refusal(row: Filter) -> Callable[..., NoReturn]:
    def refuse(*args: object, **kwargs: object) -> NoReturn:  # noqa: ARG001
        raise UnsupportedError(f"{row.name} is refused: {row.note}")

    return refuse


@functools.cache
def _signature(row: Filter) -> inspect.Signature:
    signature = inspect.signature(row.call)
    own = [one for name, one in signature.parameters.items() if name not in ("ndim", "dtype")]
    return signature.replace(parameters=own)


@functools.cache
def _defaults(row: Filter) -> Mapping[str, Any]:
    defaults: dict[str, Any] = {}
    for name, parameter in row.signature.parameters.items():
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            defaults |= {"truncate": 4.0, "radius": None}
        else:
            defaults[name] = parameter.default
    return MappingProxyType(defaults)


_HALO, _LINES, _REPEATED, _REFUSED = Exactness
_NUMBERS, _REAL, _NONE = Dtypes

_RADIUS = "radius, or int(truncate * sigma + 0.5)"
_WEIGHTS = "weights.shape // 2 + origin before, the rest after"
_WEIGHTS_1D = "len(weights) // 2 + origin before, the rest after"
_WINDOW = "size // 2 + origin before, the rest of size after"
_OPENING = "of an erosion and a dilation"
_CLOSING = "of a dilation and an erosion"
_LARGER = "the larger of erosion and dilation"
_ITERATED = "iterations times the structure's reach"

_SIGN = "where two NaNs with different bits are added, the first stays; in NumPy it is either"
_NAN = "lines if floats hold NaN, or a filter before this one may make some; else halo"
_BOTH = f"{_NAN}; {_SIGN}"
_COMPLEX = f"of complex samples with complex weights: {_SIGN}"
_HEAP = "an array of one axis is one tile (SciPy keeps a heap along it), and keeps its dtype"
_SUMS = "halo for integers whose sums stay below 2**53, whole lines for all else"
_CALLS = (
    "it calls a function of yours, and a worker runs no code that arrives over the network; "
    "tilefan.ndimage has it, computed by SciPy"
)
_UNTIL = "with iterations below 1, tiles are computed again until none changes"


def _binary(name: str, halo: str) -> Filter:
    """Return a row of binary morphology."""
    return Filter(f"binary_{name}", "binary", _HALO, halo, _REAL, _UNTIL, own_dtype=True)


def _propagating(name: str) -> Filter:
    """Return a row of binary morphology until nothing changes."""
    reach = "the structure's reach"
    return Filter(f"binary_{name}", "binary", _REPEATED, reach, _REAL, own_dtype=True)


_ROWS = (
    Filter("gaussian_filter", "gaussian", _HALO, _RADIUS, _NUMBERS),
    Filter("gaussian_filter1d", "gaussian", _HALO, _RADIUS, _NUMBERS),
    Filter("gaussian_laplace", "gaussian", _HALO, _RADIUS, _NUMBERS, _SIGN, False),
    Filter("gaussian_gradient_magnitude", "gaussian", _HALO, _RADIUS, _NUMBERS, _SIGN, False),
    Filter("laplace", "correlations", _HALO, "1", _NUMBERS, _SIGN, False),
    Filter("sobel", "correlations", _HALO, "1", _NUMBERS),
    Filter("prewitt", "correlations", _HALO, "1", _NUMBERS),
    Filter("correlate", "correlations", _HALO, _WEIGHTS, _NUMBERS, _COMPLEX),
    Filter("convolve", "correlations", _HALO, "as correlate, turned round", _NUMBERS, _COMPLEX),
    Filter("correlate1d", "correlations", _HALO, _WEIGHTS_1D, _NUMBERS, _COMPLEX),
    Filter("convolve1d", "correlations", _HALO, "as correlate1d, turned round", _NUMBERS, _COMPLEX),
    Filter("minimum_filter", "extrema", _LINES, _WINDOW, _REAL, _NAN),
    Filter("maximum_filter", "extrema", _LINES, _WINDOW, _REAL, _NAN),
    Filter("minimum_filter1d", "extrema", _LINES, _WINDOW, _REAL, _NAN),
    Filter("maximum_filter1d", "extrema", _LINES, _WINDOW, _REAL, _NAN),
    Filter("median_filter", "ranks", _HALO, _WINDOW, _REAL, _HEAP),
    Filter("percentile_filter", "ranks", _HALO, _WINDOW, _REAL, _HEAP),
    Filter("rank_filter", "ranks", _HALO, _WINDOW, _REAL, _HEAP),
    Filter("uniform_filter", "means", _LINES, _WINDOW, _NUMBERS, _SUMS),
    Filter("uniform_filter1d", "means", _LINES, _WINDOW, _NUMBERS, _SUMS),
    Filter("grey_erosion", "morphology", _LINES, _WINDOW, _REAL, _NAN),
    Filter("grey_dilation", "morphology", _LINES, "as grey_erosion, turned round", _REAL, _NAN),
    Filter("grey_opening", "morphology", _LINES, _OPENING, _REAL, _NAN),
    Filter("grey_closing", "morphology", _LINES, _CLOSING, _REAL, _NAN),
    Filter("morphological_gradient", "morphology", _LINES, _LARGER, _REAL, _NAN, False, True),
    Filter("morphological_laplace", "morphology", _LINES, _LARGER, _REAL, _BOTH, False, True),
    Filter("white_tophat", "morphology", _LINES, _OPENING, _REAL, _NAN, False),
    Filter("black_tophat", "morphology", _LINES, _CLOSING, _REAL, _NAN, False),
    _binary("erosion", _ITERATED),
    _binary("dilation", f"{_ITERATED}, turned round"),
    _binary("opening", _OPENING),
    _binary("closing", _CLOSING),
    _propagating("propagation"),
    _propagating("fill_holes"),
    Filter("generic_filter", "", _REFUSED, "", _NONE, _CALLS),
    Filter("generic_filter1d", "", _REFUSED, "", _NONE, _CALLS),
    Filter("generic_laplace", "", _REFUSED, "", _NONE, _CALLS),
    Filter("generic_gradient_magnitude", "", _REFUSED, "", _NONE, _CALLS),
    Filter("vectorized_filter", "", _REFUSED, "", _NONE, _CALLS),
)

FILTERS: Mapping[str, Filter] = MappingProxyType({row.name: row for row in _ROWS})
"""Every row by its name."""


def supported() -> tuple[Filter, ...]:
    """Return the rows that are not refused."""
    return tuple(row for row in FILTERS.values() if row.exactness is not Exactness.REFUSED)


def __getattr__(name: str) -> Callable[..., Call]:
    """Return the function of a row, imported when it is first named.

    Raises
    ------
    AttributeError
        For a name that no row has.
    """
    if name not in FILTERS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return FILTERS[name].call
