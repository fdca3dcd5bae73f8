"""One-dimensional correlations: what the kernels compute."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from tiling.dtypes import Dtype, check_copy, check_correlation
from tiling.errors import TilingError, WireError
from tiling.geometry.edges import plain_mode
from tiling.operations.base import Operation, Reach, cast_bound, check_axis, summed, with_fill
from tiling.operations.fields import FILL, MAX_TAPS
from tiling.operations.passes import Pass


@dataclass(frozen=True, slots=True)
class Correlations(Operation):
    """One-dimensional correlations one after another, each cast to the output dtype.

    Without a pass it copies.
    """

    KIND: ClassVar[str] = "correlations"

    passes: tuple[Pass, ...]

    def reaches(self, ndim: int) -> tuple[Reach, ...]:  # noqa: ARG002
        """Return the window of each pass."""
        return tuple(Reach(step.axis, *step.reach, step.mode) for step in self.passes)

    def bound(self, bound: float, target: Dtype) -> float:
        """Return the bound of the last sums."""
        for step in self.passes:
            read = with_fill(bound, step.mode, step.cval)
            pair = 2 * read  # symmetric taps multiply the sum of two samples
            bound = summed(read * float(np.abs(step.taps).sum()), target, pair)
        return bound if self.passes else cast_bound(bound, target)

    @property
    def walks(self) -> int:
        """One for each pass."""
        return len(self.passes)

    @property
    def effort(self) -> int:
        """Multiplications for each sample."""
        return sum(len(step.weights) // 8 for step in self.passes)

    def check(self, ndim: int, source: Dtype, target: Dtype) -> None:
        """Refuse axes that the array has not and dtypes that SciPy does not correlate."""
        for step in self.passes:
            check_axis(step.axis, ndim)
        (check_correlation if self.passes else check_copy)(source, target)

    def to_json(self) -> dict[str, Any]:
        """Return the operation in JSON's types; numbers keep their bits."""
        return {"kind": self.KIND, "passes": [_pass_to_json(step) for step in self.passes]}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Correlations:
        """Read what `to_json` wrote; everything is checked.

        Parameters
        ----------
        value : mapping
            Parsed JSON, not checked.

        Raises
        ------
        WireError
            Saying what is wrong.
        """
        if set(value) != {"kind", "passes"} or not isinstance(value["passes"], list):
            raise WireError("correlations: needs the one key 'passes', a list")
        return cls(tuple(map(_pass_from_json, value["passes"])))


def _pass_to_json(step: Pass) -> dict[str, Any]:
    return {
        "axis": step.axis,
        "weights": base64.b64encode(step.weights).decode("ascii"),
        "mode": step.mode,
        "cval": FILL.encode(step.cval),
        "origin": step.origin,
    }


def _pass_from_json(value: object) -> Pass:
    match value:
        case {
            "axis": int(axis),
            "weights": str(weights),
            "mode": str(mode),
            "cval": fill,
            "origin": int(origin),
            **rest,
        } if not rest and axis >= 0 and not isinstance(axis, bool) | isinstance(origin, bool):
            pass
        case _:
            raise WireError("pass: needs axis, weights, mode, cval (two hex floats) and origin")
    try:
        taps = base64.b64decode(weights, validate=True)
        cval = FILL.decode(fill)
        plain = plain_mode(mode)
    except (binascii.Error, ValueError, TilingError) as error:
        raise WireError(f"pass: {error}") from None
    size = len(taps) // 8
    if len(taps) % 8 or not 1 <= size <= MAX_TAPS or not -(size // 2) <= origin <= (size - 1) // 2:
        raise WireError(f"pass: {len(taps)} bytes of weights with origin {origin}")
    return Pass(axis, taps, plain, cval, origin)
