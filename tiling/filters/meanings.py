"""Meanings and types of SciPy's parameters: for docstrings, stubs and command lines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Meaning:
    """The meaning of a parameter, whichever filter takes it.

    Parameters
    ----------
    words : str
        What it is: a clause that begins with a small letter and has no full stop.
    type : str
        Of one value, as Python annotates it.
    several : bool
        Whether most filters take a sequence too, with a value for each axis.
    details : str
        Whole sentences that a docstring adds.
    """

    words: str
    type: str
    several: bool = False
    details: str = ""


_SHIFT = (
    "0 centres it on the sample, positive values move it towards lower indices (in convolutions "
    "and dilations, which turn it round, towards higher ones); it must stay over its sample."
)
_EDGES = (
    "What lies beyond: 'reflect' repeats (d c b a | a b c d | d c b a), 'mirror' does so without "
    "the edge sample (d c b | a b c d | c b a), 'nearest' repeats the edge sample, 'constant' is "
    "`cval`, and 'wrap' goes on at the other end. 'grid-mirror', 'grid-constant' and 'grid-wrap' "
    "are other names of 'reflect', 'constant' and 'wrap'."
)
_OUTPUT = (
    "An array of the input's shape is filled and returned; a dtype is that of the array that is "
    "made. Sums are rounded to it after each axis."
)

MEANINGS: Mapping[str, Meaning] = MappingProxyType(
    {
        "input": Meaning("the array to filter", "ArrayLike"),
        "sigma": Meaning(
            "standard deviation in samples", "float", True, "An axis with 0 is not filtered."
        ),
        "order": Meaning("derivative; 0 smooths", "int", True),
        "truncate": Meaning("radius of the filter, in sigmas", "float"),
        "radius": Meaning(
            "radius in samples", "int", True, "It takes the place of `truncate` times `sigma`."
        ),
        "size": Meaning("samples in the window", "int", True),
        "footprint": Meaning(
            "the window's shape", "ArrayLike", False, "Nonzero where a sample counts."
        ),
        "structure": Meaning(
            "what is added, or fits in",
            "ArrayLike",
            False,
            "In grey morphology a value for each sample of the window; in binary morphology "
            "nonzero where a sample counts: a sample and its direct neighbours unless given.",
        ),
        "weights": Meaning(
            "what the samples of the window are multiplied with before they are added",
            "ArrayLike",
            False,
            "Its shape is that of the window.",
        ),
        "rank": Meaning("place among the window's sorted samples; -1 is the largest", "int"),
        "percentile": Meaning("from 0 to 100; negative ones count from the largest", "float"),
        "iterations": Meaning("how many times; below 1, until nothing changes", "int"),
        "border_value": Meaning("what lies beyond the array: 0 or 1", "int"),
        "brute_force": Meaning(
            "whether all samples are looked at in each iteration, not only what changed", "bool"
        ),
        "mode": Meaning("edge mode", "Mode", True, _EDGES),
        "cval": Meaning(
            "fill value of mode constant", "complex", False, "Real unless the array is complex."
        ),
        "origin": Meaning("shift of the window", "int", True, _SHIFT),
        "axis": Meaning("the axis to filter", "int", False, "Negative ones count from the last."),
        "axes": Meaning("the axes to filter; all unless given", "int | Sequence[int]"),
        "output": Meaning(
            "dtype of the output; the input's unless given",
            "npt.DTypeLike | NDArray[Any]",
            False,
            _OUTPUT,
        ),
        "mask": Meaning("where samples may change; everywhere unless given", "ArrayLike"),
        "tile": Meaning(
            "shape of the piece that each tile owns; chosen unless given",
            "int | Sequence[int]",
            False,
            "The result is the same whatever it is.",
        ),
        "function": Meaning(
            "called with the samples of each window, or with a line and where its result goes",
            "Callable[..., Any]",
        ),
        "filter_size": Meaning("samples in the window", "int"),
        "derivative": Meaning("called as `sobel` is, for each axis", "Callable[..., Any]"),
        "derivative2": Meaning(
            "called for each axis; it returns a second derivative", "Callable[..., Any]"
        ),
        "extra_arguments": Meaning("further arguments of the function", "tuple[Any, ...]"),
        "extra_keywords": Meaning("further keyword arguments of it", "dict[str, Any]"),
        "batch_memory": Meaning("the most bytes of windows that are made at a time", "int"),
    }
)
"""By name, SciPy's own parameters and `tile`."""

_ONE_MODE = frozenset(
    {
        *("correlate", "convolve", "median_filter", "percentile_filter", "rank_filter"),
        *("generic_filter", "vectorized_filter"),
    }
)


def one_per_axis(filter_name: str, parameter: str) -> bool:
    """Tell whether a filter takes a sequence with a value for each axis.

    Examples
    --------
    >>> one_per_axis("gaussian_filter", "sigma"), one_per_axis("gaussian_filter1d", "sigma")
    (True, False)
    """
    if filter_name.endswith("1d") or (parameter == "mode" and filter_name in _ONE_MODE):
        return False
    return MEANINGS[parameter].several
