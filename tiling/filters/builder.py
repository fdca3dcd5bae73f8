"""Writing down the steps of a filter."""

from __future__ import annotations

from tiling.dtypes import Dtype
from tiling.jobs.job import Call
from tiling.operations import Arithmetic, Correlations, Operation, Program, Step

SOURCE = 0
"""The number of the array that a filter reads."""


class Steps:
    """Steps so far, on an array of dtype `source`; each `add` returns the number of its result."""

    def __init__(self, source: Dtype) -> None:
        self._source = source
        self._steps: list[Step] = []

    def add(self, operation: Operation | Arithmetic, target: Dtype, *inputs: int) -> int:
        """Add an operation on earlier results."""
        self._steps.append(Step(operation, inputs, target))
        return len(self._steps)

    def copy(self, number: int, target: Dtype) -> int:
        """Add a cast."""
        return self.add(Correlations(()), target, number)

    def dtype(self, number: int) -> Dtype:
        """Return the dtype of a result."""
        return self._steps[number - 1].target if number else self._source

    def call(self, name: str, ndim: int) -> Call:
        """Return the call that computes the last result.

        Raises
        ------
        TilingError
            If a step can't be done with the dtypes that it reads and writes.
        """
        target = self.dtype(len(self._steps))
        operation: Operation | Program = Program(self._source, tuple(self._steps))
        first = self._steps[0].operation
        if len(self._steps) == 1 and isinstance(first, Operation):
            operation = first
        operation.check(ndim, self._source, target)
        return Call(name, operation, self._source, target)
