"""Programs: operations that read the results of others, in one filter or in a chain of filters.

The steps are numbered; 0 is the array that is read, and each step names the earlier ones it reads,
for example a white top-hat over two axes::

    0  the array
    1  minimum along axis 0 of 0
    2  minimum along axis 1 of 1
    3  maximum along axis 0 of 2
    4  maximum along axis 1 of 3
    5  subtract 0 4

What a block needs is followed from the last step back: the halo of a step, added to what is needed
of its result, is needed of the step that it reads.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from tiling.dtypes import Dtype, parse_dtype, wire_name
from tiling.errors import WireError
from tiling.geometry.halo import Halo
from tiling.operations.arithmetic import Arithmetic
from tiling.operations.base import Operation

MAX_STEPS = 512
"""More than any filter or pipeline has, and a bound for what a worker parses."""


@dataclass(frozen=True, slots=True)
class Step:
    """One operation, the steps that it reads, and the dtype that it writes."""

    operation: Operation | Arithmetic
    inputs: tuple[int, ...]
    target: Dtype


@dataclass(frozen=True, slots=True)
class Program:
    """Steps in an order in which each reads earlier ones only; the last is the result."""

    KIND: ClassVar[str] = "program"

    source: Dtype
    steps: tuple[Step, ...]

    @property
    def dtypes(self) -> tuple[Dtype, ...]:
        """Dtype of the array that is read, then of what each step writes."""
        return (self.source, *(step.target for step in self.steps))

    @property
    def walks(self) -> int:
        """How often all steps walk over the block."""
        return sum(
            1 if isinstance(step.operation, Arithmetic) else step.operation.walks
            for step in self.steps
        )

    @property
    def effort(self) -> int:
        """Multiplications or comparisons for each sample, about, over all steps."""
        return len(self.steps) + sum(operation.effort for operation, _ in self.windows())

    def total_work(self, shape: tuple[int, ...]) -> int:
        """Return the multiplications or comparisons, about, on a block of this shape.

        Parameters
        ----------
        shape : tuple of int
            Of the block.
        """
        windows = sum(operation.window_work(shape) for operation, _ in self.windows())
        return math.prod(shape) * self.effort + windows

    def window_bytes(self, shape: tuple[int, ...]) -> int:
        """Return the most bytes that a step takes for its window on a block of this shape.

        Parameters
        ----------
        shape : tuple of int
            Of the block.
        """
        return max((operation.window_bytes(shape) for operation, _ in self.windows()), default=0)

    @property
    def between(self) -> int:
        """The most results that are kept at a time, the array and the last one not counted."""
        last = {read: number for number, step in enumerate(self.steps, 1) for read in step.inputs}
        count = len(self.steps)
        return max(
            sum(1 for made in range(1, number + 1) if made < count and last.get(made, 0) >= number)
            for number in range(1, count + 1)
        )

    def halo(self, ndim: int) -> Halo:
        """Return the samples that a block needs round each output sample.

        Parameters
        ----------
        ndim : int
            Axes of the array.
        """
        return self.halos(ndim)[0]

    def halos(self, ndim: int) -> list[Halo]:
        """Return what is needed of the array and of each step, round each output sample.

        Parameters
        ----------
        ndim : int
            Axes of the array.
        """
        needed = [Halo.none(ndim)] * (len(self.steps) + 1)
        for number, step in reversed(list(enumerate(self.steps, 1))):
            halo = needed[number] + _halo(step, ndim)
            for read in step.inputs:
                needed[read] = needed[read] | halo
        return needed

    def wraps(self, ndim: int) -> tuple[bool, ...]:
        """Tell for each axis whether every window along it wraps, so that tiles read round it.

        Parameters
        ----------
        ndim : int
            Axes of the array.
        """
        modes = self._modes(ndim)
        return tuple(modes[axis] == {"wrap"} for axis in range(ndim))

    def whole(self, ndim: int, bound: float) -> tuple[bool, ...]:
        """Tell for each axis whether tiles must own it whole, for samples within `bound`.

        Parameters
        ----------
        ndim : int
            Axes of the array.
        bound : float
            Of the samples that are read; see `tiling.operations.base`.
        """
        if self.by_layout:
            return (True,) * ndim
        modes, carried = self._modes(ndim), self._carried(ndim, bound)
        return tuple(
            axis in carried or ("wrap" in modes[axis] and len(modes[axis]) > 1)
            for axis in range(ndim)
        )

    @property
    def by_layout(self) -> bool:
        """Whether a step must be computed on the whole array; see `Arithmetic.by_layout`."""
        return any(
            isinstance(step.operation, Arithmetic) and step.operation.by_layout
            for step in self.steps
        )

    def bounds(self, bound: float) -> list[float]:
        """Return the bound of the array's samples, then of what each step writes.

        Parameters
        ----------
        bound : float
            Of the samples that are read; see `tiling.operations.base`.
        """
        bounds = [bound]
        for step in self.steps:
            read = [bounds[number] for number in step.inputs]
            match step.operation:
                case Arithmetic() as arithmetic:
                    bounds.append(arithmetic.bound(read, step.target))
                case operation:
                    bounds.append(operation.bound(read[0], step.target))
        return bounds

    def windows(self) -> Iterator[tuple[Operation, int]]:
        """Yield each operation that reads a window, and the step that it reads."""
        for step in self.steps:
            if isinstance(step.operation, Operation):
                yield step.operation, step.inputs[0]

    def check(self, ndim: int, source: Dtype, target: Dtype) -> None:
        """Refuse steps that read what is not there yet, or that can't do what they are asked to.

        Parameters
        ----------
        ndim : int
            Axes of the array.
        source, target : numpy.dtype
            Of the samples that are read and written.

        Raises
        ------
        TilingError
            Saying what is wrong.
        """
        dtypes = self.dtypes
        if (source, target) != (dtypes[0], dtypes[-1]):
            raise WireError("program: reads or writes other dtypes than its call")
        for number, step in enumerate(self.steps, 1):
            if not all(read < number for read in step.inputs):
                raise WireError("program: a step reads a later one")
            read = [dtypes[number] for number in step.inputs]
            match step.operation:
                case Arithmetic() as arithmetic:
                    arithmetic.check(read, step.target)
                case operation:
                    operation.check(ndim, read[0], step.target)

    def check_shape(self, shape: tuple[int, ...]) -> None:
        """Refuse arrays of a shape on which SciPy's result is not defined.

        Parameters
        ----------
        shape : tuple of int
            Of the array.

        Raises
        ------
        UnsupportedError
            As `Operation.check_shape` does.
        """
        for operation, _ in self.windows():
            operation.check_shape(shape)

    def check_block(self, shape: tuple[int, ...]) -> None:
        """Refuse blocks of a shape on which the computation is not defined.

        Parameters
        ----------
        shape : tuple of int
            Of the block.

        Raises
        ------
        UnsupportedError
            As `Operation.check_block` does.
        """
        for operation, _ in self.windows():
            operation.check_block(shape)

    def regions(self, shape: tuple[int, ...], crop: tuple[slice, ...]) -> list[tuple[slice, ...]]:
        """Return the part of the block that each result must cover.

        Parameters
        ----------
        shape : tuple of int
            Of the block.
        crop : tuple of slice
            Start and stop on every axis: the part of the last result that is wanted.
        """
        ndim = len(shape)
        modes = self._modes(ndim)
        lines = {axis for operation, _ in self.windows() for axis in operation.lines(ndim)}
        whole = [axis in lines or "wrap" in modes[axis] for axis in range(ndim)]
        parts = [
            tuple(
                slice(0, shape[axis])
                if whole[axis]
                else slice(
                    max(crop[axis].start - halo.before[axis], 0),
                    min(crop[axis].stop + halo.after[axis], shape[axis]),
                )
                for axis in range(ndim)
            )
            for halo in self.halos(ndim)
        ]
        return [tuple(slice(0, length) for length in shape), *parts[1:-1], crop]

    def to_json(self) -> dict[str, Any]:
        """Return the program in JSON's types."""
        steps = [
            {
                "operation": step.operation.to_json(),
                "inputs": list(step.inputs),
                "target": wire_name(step.target),
            }
            for step in self.steps
        ]
        return {"kind": self.KIND, "source": wire_name(self.source), "steps": steps}

    def _modes(self, ndim: int) -> list[set[str]]:
        """Return the edge modes of all windows along each axis."""
        modes: list[set[str]] = [set() for _ in range(ndim)]
        for operation, _ in self.windows():
            for reach in operation.reaches(ndim):
                if reach.before or reach.after:
                    modes[reach.axis].add(reach.mode)
        return modes

    def _carried(self, ndim: int, bound: float) -> set[int]:
        """Return the axes along which state is carried."""
        bounds, dtypes = self.bounds(bound), self.dtypes
        return {
            axis
            for operation, read in self.windows()
            if operation.carries(bounds[read], dtypes[read])
            for axis in operation.lines(ndim)
        }


def program_from_json(value: Mapping[str, Any], step_from_json: Any) -> Program:
    """Read what `Program.to_json` wrote; everything is checked.

    Parameters
    ----------
    value : mapping
        Parsed JSON, not checked.
    step_from_json : callable
        Reads what `to_json` of an operation wrote.

    Raises
    ------
    WireError
        Saying what is wrong.
    """
    match value:
        case {"kind": Program.KIND, "source": source, "steps": [_, *_] as steps, **rest}:
            if not rest and len(steps) <= MAX_STEPS:
                return Program(
                    parse_dtype(source), tuple(_step(step, step_from_json) for step in steps)
                )
    raise WireError(f"program: needs source, and steps, 1 to {MAX_STEPS}")


def _step(value: object, step_from_json: Any) -> Step:
    match value:
        case {"operation": operation, "inputs": [int(), *_] as inputs, "target": target, **rest}:
            numbers = all(type(number) is int and number >= 0 for number in inputs)
            if not rest and numbers and len(inputs) <= 2:
                step = Step(step_from_json(operation), tuple(inputs), parse_dtype(target))
                if isinstance(step.operation, Arithmetic) or len(inputs) == 1:
                    return step
    raise WireError("step: needs operation, inputs (one or two numbers) and target")


def _halo(step: Step, ndim: int) -> Halo:
    operation = step.operation
    return Halo.none(ndim) if isinstance(operation, Arithmetic) else operation.halo(ndim)
