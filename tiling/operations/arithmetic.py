"""Arithmetic sample by sample, as in `laplace` or `white_tophat`, on results of earlier steps.

A *state* is a sample of a binary array and of its mask in one uint8: bit `VALUE` is the sample, bit
`FREE` says whether the mask lets it change. See `tiling.operations.binary`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from tiling.dtypes import Array, Dtype
from tiling.errors import BadTypeError, WireError
from tiling.operations.base import cast_bound, largest, summed

VALUE, FREE = 1, 2
"""Bits of a state."""


def _sum(bounds: Sequence[float], target: Dtype) -> float:
    return summed(sum(bounds), target)


def _product(bounds: Sequence[float], target: Dtype) -> float:
    return summed(math.prod(bounds), target)


def _root(bounds: Sequence[float], target: Dtype) -> float:
    """Bound a root; filters take it of sums of squares only, so never of less than zero."""
    return cast_bound(largest((1.0, bounds[0])), target)


def _least(bounds: Sequence[float], target: Dtype) -> float:
    return cast_bound(largest(bounds), target)


def _check_states(array: Array) -> None:
    if array.dtype != np.uint8:
        raise TypeError("states are uint8")


def zero_of(dtype: Dtype) -> Any:
    """Return a zero to compare samples with: beside an integer NumPy makes integers of booleans.

    Parameters
    ----------
    dtype : numpy.dtype
        Of the samples.
    """
    return np.False_ if dtype.kind == "b" else 0


def _state(samples: Array, *, out: Array, casting: Any) -> None:
    """Write the states of samples that may all change."""
    _check_states(out)
    np.not_equal(samples, zero_of(samples.dtype), out=out, casting=casting)
    np.bitwise_or(out, FREE, out=out, casting=casting)


def _background(samples: Array, *, out: Array, casting: Any) -> None:
    """Write states that are all set, of which those may change whose samples are 0."""
    _check_states(out)
    np.equal(samples, zero_of(samples.dtype), out=out, casting=casting)
    np.left_shift(out, 1, out=out, casting=casting)
    np.bitwise_or(out, VALUE, out=out, casting=casting)


def _value(states: Array, *, out: Array, casting: Any) -> None:
    """Write the samples of states."""
    _check_states(states)
    np.bitwise_and(states, VALUE, out=out, casting=casting)


def _cast(samples: Array, *, out: Array, casting: Any) -> None:  # noqa: ARG001 -- as NumPy's
    """Copy samples as SciPy does where it filters nothing."""
    out[...] = samples


@dataclass(frozen=True, slots=True)
class _Function:
    """A function of NumPy's, with its number of operands, and the bound of what it gives."""

    call: Callable[..., object]
    operands: int
    casting: Any
    bound: Callable[[Sequence[float], Dtype], float]


FUNCTIONS: Mapping[str, _Function] = MappingProxyType(
    {
        "add": _Function(np.add, 2, "same_kind", _sum),
        "subtract": _Function(np.subtract, 2, "same_kind", _sum),
        "multiply": _Function(np.multiply, 2, "same_kind", _product),
        "exclusive_or": _Function(np.bitwise_xor, 2, "same_kind", _least),
        "root": _Function(np.sqrt, 1, "unsafe", _root),
        "state": _Function(_state, 1, "unsafe", _least),
        "background": _Function(_background, 1, "unsafe", _least),
        "value": _Function(_value, 1, "unsafe", _least),
        "cast": _Function(_cast, 1, "unsafe", _least),
    }
)


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """One function of NumPy, by its name in `FUNCTIONS`."""

    KIND: ClassVar[str] = "arithmetic"

    name: str

    def check(self, sources: Sequence[Dtype], target: Dtype) -> None:
        """Refuse what NumPy refuses to compute with these dtypes, or to cast.

        Parameters
        ----------
        sources : sequence of numpy.dtype
            Of the operands.
        target : numpy.dtype
            Of the result.

        Raises
        ------
        WireError
            For another number of operands.
        BadTypeError
            With NumPy's words.
        """
        function = FUNCTIONS[self.name]
        if len(sources) != function.operands:
            raise WireError(f"{self.name} takes {function.operands}, not {len(sources)}")
        empty = [np.empty(0, dtype) for dtype in sources]
        try:
            function.call(*empty, out=np.empty(0, target), casting=function.casting)
        except TypeError as error:
            raise BadTypeError(str(error)) from None

    @property
    def by_layout(self) -> bool:
        """Whether its bits depend on the array's layout: it is computed at once, or not at all.

        See `tiling.dtypes.depends_on_layout`.
        """
        return self.name == "cast"

    def bound(self, bounds: Sequence[float], target: Dtype) -> float:
        """Return the bound of the result.

        Parameters
        ----------
        bounds : sequence of float
            Of the operands; see `tiling.operations.base`.
        target : numpy.dtype
            Of the result.
        """
        return FUNCTIONS[self.name].bound(bounds, target)

    def to_json(self) -> dict[str, Any]:
        """Return the operation in JSON's types."""
        return {"kind": self.KIND, "name": self.name}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Arithmetic:
        """Read what `to_json` wrote; everything is checked.

        Parameters
        ----------
        value : mapping
            Parsed JSON, not checked.

        Raises
        ------
        WireError
            For an unknown function, or other keys.
        """
        name = value.get("name")
        if set(value) != {"kind", "name"} or not isinstance(name, str) or name not in FUNCTIONS:
            raise WireError(f"arithmetic: name must be one of {', '.join(FUNCTIONS)}")
        return cls(name)
