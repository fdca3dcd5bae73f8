"""The filters: a row each, from SciPy's parameters to operations.

A row takes the parameters that `scipy.ndimage` takes, means by them what SciPy means, and refuses
what SciPy refuses with the same kind of error, before anything is sent. To add a filter, add a row
and the function of that name in its module, which is imported when the row is first called; the
tests of exactness, signatures and bad input run over all of them.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING

from tiling.filters.refused import REASONS, refuse

if TYPE_CHECKING:
    from tiling.jobs.job import Call

__all__ = ["FILTERS", "Dtypes", "Exactness", "Filter", "supported"]


class Exactness(enum.Enum):
    """Why tiles give the same bits as the whole."""

    HALO = "every output sample depends on its own window only: tiles with a halo are exact"
    LINES = "state may run along a line: then tiles own whole lines, axis by axis"
    REFUSED = "no tiles give the same bits"


class Dtypes(enum.Enum):
    """What a filter reads."""

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
        Of `tiling.filters`, in which its function is.
    exactness : Exactness
    halo : str
        What is read before and after each sample, in words.
    dtypes : Dtypes
    note : str
        What holds besides.
    in_place : bool
        Whether SciPy gives the same when the output is the input; where it does not, an output
        that shares memory with the input is refused.
    """

    name: str
    module: str
    exactness: Exactness
    halo: str
    dtypes: Dtypes
    note: str = ""
    in_place: bool = True

    @property
    def call(self) -> Callable[..., Call]:
        """What normalises SciPy's parameters: ``call(ndim, dtype, *args, **kwargs)``."""
        if self.exactness is Exactness.REFUSED:
            return refuse(self.name)
        function: Callable[..., Call]
        function = getattr(import_module(f"{__name__}.{self.module}"), self.name)
        return function


_RADIUS = "radius, or int(truncate * sigma + 0.5)"
_SIGN = "the sum of two unlike NaNs has either's sign, as NumPy gives it by place"
_NAN = "whole lines only where floats hold NaN, or may come to"
_WINDOW = "size // 2 + origin before, the rest of size after"
_HEAP = "an array of one axis is one tile (SciPy keeps a heap along it), and keeps its dtype"
_MEANS = "halo for integers whose sums stay below 2**53, whole lines for all else"
_ROWS = (
    *(
        Filter(
            name,
            module,
            Exactness.HALO,
            halo,
            Dtypes.NUMBERS,
            "" if in_place else _SIGN,
            in_place,
        )
        for name, module, halo, in_place in (
            ("gaussian_filter", "gaussian", _RADIUS, True),
            ("gaussian_filter1d", "gaussian", _RADIUS, True),
            ("gaussian_laplace", "gaussian", _RADIUS, False),
            ("gaussian_gradient_magnitude", "gaussian", _RADIUS, False),
            ("laplace", "correlations", "1", False),
            ("sobel", "correlations", "1", True),
            ("prewitt", "correlations", "1", True),
            (
                "correlate",
                "correlations",
                "weights.shape // 2 + origin before, the rest after",
                True,
            ),
            ("convolve", "correlations", "as correlate, turned round", True),
            (
                "correlate1d",
                "correlations",
                "len(weights) // 2 + origin before, the rest after",
                True,
            ),
            ("convolve1d", "correlations", "as correlate1d, turned round", True),
        )
    ),
    *(
        Filter(name, "ranks", Exactness.LINES, _WINDOW, Dtypes.REAL, _NAN)
        for name in ("minimum_filter", "maximum_filter", "minimum_filter1d", "maximum_filter1d")
    ),
    *(
        Filter(name, "ranks", Exactness.HALO, _WINDOW, Dtypes.REAL, _HEAP)
        for name in ("median_filter", "percentile_filter", "rank_filter")
    ),
    *(
        Filter(name, "means", Exactness.LINES, _WINDOW, Dtypes.NUMBERS, _MEANS)
        for name in ("uniform_filter", "uniform_filter1d")
    ),
    *(
        Filter(
            name,
            "morphology",
            Exactness.LINES,
            halo,
            Dtypes.REAL,
            _NAN if in_place else f"{_NAN}; {_SIGN}",
            in_place,
        )
        for name, halo, in_place in (
            ("grey_erosion", _WINDOW, True),
            ("grey_dilation", "as grey_erosion, turned round", True),
            ("grey_opening", "of an erosion and a dilation", True),
            ("grey_closing", "of a dilation and an erosion", True),
            ("morphological_gradient", "the larger of erosion and dilation", False),
            ("morphological_laplace", "the larger of erosion and dilation", False),
            ("white_tophat", "of an erosion and a dilation", False),
            ("black_tophat", "of a dilation and an erosion", False),
        )
    ),
    *(
        Filter(name, "binary", Exactness.HALO, halo, Dtypes.REAL, "no mask")
        for name, halo in (
            ("binary_erosion", "iterations times the structure's reach"),
            ("binary_dilation", "iterations times the structure's reach, turned round"),
            ("binary_opening", "of an erosion and a dilation"),
            ("binary_closing", "of a dilation and an erosion"),
        )
    ),
    *(
        Filter(name, "refused", Exactness.REFUSED, "", Dtypes.NONE, reason)
        for name, reason in REASONS.items()
    ),
)

FILTERS: Mapping[str, Filter] = MappingProxyType({row.name: row for row in _ROWS})


def supported() -> tuple[Filter, ...]:
    """Return the rows that are not refused."""
    return tuple(row for row in FILTERS.values() if row.exactness is not Exactness.REFUSED)


def __getattr__(name: str) -> Callable[..., Call]:
    """Return the function of a row, imported when it is first named."""
    if name not in FILTERS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return FILTERS[name].call
