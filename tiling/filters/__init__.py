"""The filters: a row each, from SciPy's parameters to operations.

A row takes the parameters that `scipy.ndimage` takes, means by them what SciPy means, and refuses
what SciPy refuses with the same kind of error, before anything is sent. To add a filter, add a row;
the tests of exactness, signatures and bad input run over all of them.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from tiling.filters.binary import binary_closing, binary_dilation, binary_erosion, binary_opening
from tiling.filters.correlations import (
    convolve,
    convolve1d,
    correlate,
    correlate1d,
    laplace,
    prewitt,
    sobel,
)
from tiling.filters.gaussian import (
    SKIPPED_SIGMA,
    gaussian_filter,
    gaussian_filter1d,
    gaussian_gradient_magnitude,
    gaussian_laplace,
)
from tiling.filters.means import uniform_filter, uniform_filter1d
from tiling.filters.morphology import (
    black_tophat,
    grey_closing,
    grey_dilation,
    grey_erosion,
    grey_opening,
    morphological_gradient,
    morphological_laplace,
    white_tophat,
)
from tiling.filters.ranks import (
    maximum_filter,
    maximum_filter1d,
    median_filter,
    minimum_filter,
    minimum_filter1d,
    percentile_filter,
    rank_filter,
)
from tiling.filters.refused import REASONS, refuse
from tiling.job import Call

__all__ = ["FILTERS", "SKIPPED_SIGMA", "Dtypes", "Exactness", "Filter", "supported"]


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
    exactness : Exactness
    halo : str
        What is read before and after each sample, in words.
    dtypes : Dtypes
    call : callable
        ``call(ndim, dtype, *args, **kwargs)`` normalises SciPy's parameters.
    note : str
        What holds besides.
    in_place : bool
        Whether SciPy gives the same when the output is the input; where it does not, an output
        that shares memory with the input is refused.
    """

    name: str
    exactness: Exactness
    halo: str
    dtypes: Dtypes
    call: Callable[..., Call]
    note: str = ""
    in_place: bool = True


_SIGN = "the sum of two unlike NaNs has either's sign, as NumPy gives it by place"
_NAN = "whole lines only where floats hold NaN, or may come to"
_WINDOW = "size // 2 + origin before, the rest of size after"
_ROWS = (
    *(
        Filter(
            call.__name__,
            Exactness.HALO,
            halo,
            Dtypes.NUMBERS,
            call,
            "" if in_place else _SIGN,
            in_place,
        )
        for call, halo, in_place in (
            (gaussian_filter, "radius, or int(truncate * sigma + 0.5)", True),
            (gaussian_filter1d, "radius, or int(truncate * sigma + 0.5)", True),
            (gaussian_laplace, "radius, or int(truncate * sigma + 0.5)", False),
            (gaussian_gradient_magnitude, "radius, or int(truncate * sigma + 0.5)", False),
            (laplace, "1", False),
            (sobel, "1", True),
            (prewitt, "1", True),
            (correlate, "weights.shape // 2 + origin before, the rest after", True),
            (convolve, "as correlate, turned round", True),
            (correlate1d, "len(weights) // 2 + origin before, the rest after", True),
            (convolve1d, "as correlate1d, turned round", True),
        )
    ),
    *(
        Filter(call.__name__, Exactness.LINES, _WINDOW, Dtypes.REAL, call, _NAN)
        for call in (minimum_filter, maximum_filter, minimum_filter1d, maximum_filter1d)
    ),
    *(
        Filter(
            call.__name__,
            Exactness.HALO,
            "size // 2 + origin before, the rest of size after",
            Dtypes.REAL,
            call,
            "an array of one axis is one tile (SciPy keeps a heap along it), and keeps its dtype",
        )
        for call in (median_filter, percentile_filter, rank_filter)
    ),
    *(
        Filter(
            call.__name__,
            Exactness.LINES,
            _WINDOW,
            Dtypes.NUMBERS,
            call,
            "halo for integers whose sums stay below 2**53, whole lines for all else",
        )
        for call in (uniform_filter, uniform_filter1d)
    ),
    *(
        Filter(
            call.__name__,
            Exactness.LINES,
            halo,
            Dtypes.REAL,
            call,
            _NAN if in_place else f"{_NAN}; {_SIGN}",
            in_place,
        )
        for call, halo, in_place in (
            (grey_erosion, _WINDOW, True),
            (grey_dilation, "as grey_erosion, turned round", True),
            (grey_opening, "of an erosion and a dilation", True),
            (grey_closing, "of a dilation and an erosion", True),
            (morphological_gradient, "the larger of erosion and dilation", False),
            (morphological_laplace, "the larger of erosion and dilation", False),
            (white_tophat, "of an erosion and a dilation", False),
            (black_tophat, "of a dilation and an erosion", False),
        )
    ),
    *(
        Filter(call.__name__, Exactness.HALO, halo, Dtypes.REAL, call, "no mask")
        for call, halo in (
            (binary_erosion, "iterations times the structure's reach"),
            (binary_dilation, "iterations times the structure's reach, turned round"),
            (binary_opening, "of an erosion and a dilation"),
            (binary_closing, "of a dilation and an erosion"),
        )
    ),
    *(
        Filter(name, Exactness.REFUSED, "", Dtypes.NONE, refuse(name), reason)
        for name, reason in REASONS.items()
    ),
)

FILTERS: Mapping[str, Filter] = MappingProxyType({row.name: row for row in _ROWS})


def supported() -> tuple[Filter, ...]:
    """Return the rows that are not refused."""
    return tuple(row for row in FILTERS.values() if row.exactness is not Exactness.REFUSED)
