"""What a worker can be asked to do to a block: a closed set of plain values.

An operation knows what it reads (its halo, and where it wraps), how it travels as JSON, and how it
is applied with a kernel. Filters (see `tiling.filters`) turn SciPy's parameters into operations; a
worker runs operations only, and no code that arrives over the network.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tiling.dtypes import Array, Dtype, check_copy, check_correlation
from tiling.edges import plain_mode
from tiling.errors import TilingError, WireError
from tiling.halo import Halo
from tiling.kernels import Kernel
from tiling.kernels.passes import Pass
from tiling.weights import MAX_TAPS


@dataclass(frozen=True, slots=True)
class Correlations:
    """One-dimensional correlations one after another, each cast to the output dtype.

    Without a pass it copies.
    """

    passes: tuple[Pass, ...]

    def halo(self, ndim: int) -> Halo:
        """Return the samples read round each output sample."""
        total = Halo.none(ndim)
        for step in self.passes:
            before, after = step.reach
            total += Halo(
                tuple(before if axis == step.axis else 0 for axis in range(ndim)),
                tuple(after if axis == step.axis else 0 for axis in range(ndim)),
            )
        return total

    def wraps(self, ndim: int) -> tuple[bool, ...]:
        """Tell for each axis whether it is read round the array's edges."""
        wrapped = {step.axis for step in self.passes if step.mode == "wrap"}
        return tuple(axis in wrapped for axis in range(ndim))

    @property
    def work(self) -> int:
        """Multiplications for each sample: what the choice of a kernel weighs."""
        return sum(len(step.weights) // 8 for step in self.passes)

    def check(self, ndim: int, source: Dtype, target: Dtype) -> None:
        """Refuse axes that the array has not and dtypes that SciPy does not correlate."""
        if any(step.axis >= ndim for step in self.passes):
            raise WireError(f"a pass along an axis that {ndim}-d arrays have not")
        (check_correlation if self.passes else check_copy)(source, target)

    def apply(self, block: Array, crop: tuple[slice, ...], out: Array, kernel: Kernel) -> None:
        """Filter a block and write the part `crop` of the result into `out`."""
        if self.passes:
            kernel(block, self.passes, crop, out)
        else:
            everywhere: Any = (*crop, ...)  # an array even without axes: numbers cast differently
            out[...] = block[everywhere]

    def to_json(self) -> dict[str, Any]:
        """Return the operation in JSON's types; numbers keep their bits."""
        return {"kind": "correlations", "passes": [_pass_to_json(step) for step in self.passes]}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Correlations:
        """Read what `to_json` wrote, believing nothing."""
        if set(value) != {"kind", "passes"} or not isinstance(value["passes"], list):
            raise WireError("correlations: wants the one key 'passes', a list")
        return cls(tuple(map(_pass_from_json, value["passes"])))


def operation_from_json(value: object) -> Correlations:
    """Read an operation of any kind of the table `KINDS`."""
    if isinstance(value, dict):
        kind = value.get("kind")
        if isinstance(kind, str) and kind in KINDS:
            return KINDS[kind].from_json(value)
    raise WireError(f"operation: kind must be one of {', '.join(KINDS)}")


KINDS = {"correlations": Correlations}


def _pass_to_json(step: Pass) -> dict[str, Any]:
    return {
        "axis": step.axis,
        "weights": base64.b64encode(step.weights).decode("ascii"),
        "mode": step.mode,
        "cval": [complex(step.cval).real.hex(), complex(step.cval).imag.hex()],
        "origin": step.origin,
    }


def _pass_from_json(value: object) -> Pass:
    match value:
        case {
            "axis": int(axis),
            "weights": str(weights),
            "mode": str(mode),
            "cval": [str(real), str(imag)],
            "origin": int(origin),
            **rest,
        } if not rest and axis >= 0 and not isinstance(axis, bool) | isinstance(origin, bool):
            pass
        case _:
            raise WireError("pass: wants axis, weights, mode, cval (two hex floats) and origin")
    try:
        taps = base64.b64decode(weights, validate=True)
        cval = complex(float.fromhex(real), float.fromhex(imag))
        plain = plain_mode(mode)
    except (binascii.Error, ValueError, OverflowError, TilingError) as error:
        raise WireError(f"pass: {error}") from None
    size = len(taps) // 8
    if len(taps) % 8 or not 1 <= size <= MAX_TAPS or not -(size // 2) <= origin <= (size - 1) // 2:
        raise WireError(f"pass: {len(taps)} bytes of weights with origin {origin}")
    return Pass(axis, taps, plain, cval, origin)
