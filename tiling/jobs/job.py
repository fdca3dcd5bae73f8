"""Jobs: calls one after another, named by a digest of all that is in them."""

from __future__ import annotations

import functools
import hashlib
import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tiling.dtypes import Dtype, parse_dtype, wire_name
from tiling.errors import WireError
from tiling.geometry.halo import Halo
from tiling.operations import Operation, Program, Step, operation_from_json

MAX_NDIM = 32
"""Axes of an array: what NumPy 1 could index, and more than anyone filters."""

MAX_CALLS = 64
"""Calls of one job: far beyond any pipeline, and a bound for what a worker parses."""


@dataclass(frozen=True, slots=True)
class Call:
    """One filter with normalised parameters.

    Parameters
    ----------
    filter : str
        SciPy's name of the filter.
    operation : Operation or Program
        What is computed.
    source, target : numpy.dtype
        What it reads and writes, in native byte order.
    """

    filter: str
    operation: Operation | Program
    source: Dtype
    target: Dtype

    def to_json(self) -> dict[str, Any]:
        """Return the call in JSON's types."""
        return {
            "filter": self.filter,
            "operation": self.operation.to_json(),
            "source": wire_name(self.source),
            "target": wire_name(self.target),
        }

    @classmethod
    def from_json(cls, value: object) -> Call:
        """Read what `to_json` wrote; everything is checked.

        Parameters
        ----------
        value : object
            Parsed JSON, not checked.

        Raises
        ------
        WireError
            Saying what is wrong.
        """
        match value:
            case {
                "filter": str(name),
                "operation": operation,
                "source": source,
                "target": target,
                **rest,
            } if not rest and len(name) <= 100:
                return cls(
                    name, operation_from_json(operation), parse_dtype(source), parse_dtype(target)
                )
        raise WireError("call: needs filter, operation, source and target")


@dataclass(frozen=True)
class Job:
    """Calls one after another on arrays of `ndim` axes; each reads what the one before wrote."""

    ndim: int
    calls: tuple[Call, ...]

    @property
    def source(self) -> Dtype:
        """Dtype of the blocks that go in."""
        return self.calls[0].source

    @property
    def target(self) -> Dtype:
        """Dtype of the blocks that come out."""
        return self.calls[-1].target

    @functools.cached_property
    def program(self) -> Program:
        """The steps of all calls, one after another; put together once."""
        steps: list[Step] = []
        for call in self.calls:
            first = len(steps)
            for step in _steps(call):
                inputs = tuple(first + number for number in step.inputs)
                steps.append(Step(step.operation, inputs, step.target))
        return Program(self.source, tuple(steps))

    @property
    def halo(self) -> Halo:
        """The halo of all calls together."""
        return self.program.halo(self.ndim)

    @property
    def wraps(self) -> tuple[bool, ...]:
        """Which axes are read round the array's edges."""
        return self.program.wraps(self.ndim)

    def whole(self, bound: float) -> tuple[bool, ...]:
        """Tell which axes tiles must own whole, for samples within `bound`.

        Parameters
        ----------
        bound : float
            Of the samples that are read; see `tiling.operations.base`.
        """
        return self.program.whole(self.ndim, bound)

    @property
    def reads_states(self) -> bool:
        """Whether it reads an array and its mask in one; see `tiling.operations.arithmetic`."""
        first = self.program.steps[0].operation
        return isinstance(first, Operation) and first.on_states

    @property
    def repeated(self) -> bool:
        """Whether it is one pass over the tiles, which are repeated until nothing changes."""
        steps = self.program.steps
        operation = steps[0].operation
        return len(steps) == 1 and isinstance(operation, Operation) and operation.repeated

    @property
    def digest(self) -> str:
        """The job's name: SHA-256 over its JSON, 64 hexadecimal digits."""
        return hashlib.sha256(self.encode()).hexdigest()

    def encode(self) -> bytes:
        """Return the job as JSON: the same bytes for the same job."""
        value = {"ndim": self.ndim, "calls": [call.to_json() for call in self.calls]}
        return json.dumps(value, sort_keys=True, separators=(",", ":")).encode("ascii")

    @classmethod
    def decode(cls, body: bytes) -> Job:
        """Read a job from the network; everything is checked.

        Parameters
        ----------
        body : bytes
            JSON in UTF-8.

        Raises
        ------
        WireError
            Saying what is wrong.
        TilingError
            For a combination that no filter can take.
        """
        try:
            value = json.loads(body)
        except (ValueError, RecursionError):
            raise WireError("job: not JSON") from None
        match value:
            case {"ndim": int(ndim), "calls": [_, *_] as calls, **rest} if not rest:
                return cls._checked(ndim, calls)
        raise WireError("job: needs ndim, a number, and calls, a list of at least one")

    @classmethod
    def _checked(cls, ndim: int, values: list[Mapping[str, Any]]) -> Job:
        if isinstance(ndim, bool) or not 0 <= ndim <= MAX_NDIM or len(values) > MAX_CALLS:
            raise WireError(f"job: at most {MAX_NDIM} axes and {MAX_CALLS} calls")
        calls = tuple(map(Call.from_json, values))
        for call in calls:
            call.operation.check(ndim, call.source, call.target)
        if any(a.target != b.source for a, b in itertools.pairwise(calls)):
            raise WireError("job: a call reads another dtype than the one before it wrote")
        return cls(ndim, calls)


def _steps(call: Call) -> tuple[Step, ...]:
    operation = call.operation
    if isinstance(operation, Program):
        return operation.steps
    return (Step(operation, (0,), call.target),)
