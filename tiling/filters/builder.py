"""The steps of a filter as they are put together, and what its function is called."""

from __future__ import annotations

from collections.abc import Callable

from tiling.dtypes import Dtype, depends_on_layout
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
        """Add an operation on earlier results.

        Parameters
        ----------
        operation : Operation or Arithmetic
        target : numpy.dtype
            Of the result.
        *inputs : int
            Numbers of earlier results, `SOURCE` for the array.
        """
        if operation == Correlations(()) and depends_on_layout(self.dtype(inputs[0]), target):
            operation = Arithmetic("cast")
        self._steps.append(Step(operation, inputs, target))
        return len(self._steps)

    def copy(self, number: int, target: Dtype) -> int:
        """Add a cast.

        Parameters
        ----------
        number : int
            The result that is cast.
        target : numpy.dtype
            To which.
        """
        return self.add(Correlations(()), target, number)

    def dtype(self, number: int) -> Dtype:
        """Return the dtype of a result.

        Parameters
        ----------
        number : int
            Of a result, or `SOURCE`.
        """
        return self._steps[number - 1].target if number else self._source

    def call(self, name: str, ndim: int) -> Call:
        """Return the call that computes the last result.

        Parameters
        ----------
        name : str
            SciPy's name of the filter.
        ndim : int
            Axes of the array.

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


Function = Callable[..., Call]
"""A filter's function: from the number of axes, the array's dtype and SciPy's parameters."""


def named(function: Function, name: str, summary: str) -> Function:
    """Give a function the name of a filter, and a docstring.

    Parameters
    ----------
    function : callable
        One of several with the same signature.
    name : str
        SciPy's.
    summary : str
        The first line of the docstring.

    Returns
    -------
    callable
        The function.
    """
    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"""{summary}

    Parameters
    ----------
    ndim : int
        Axes of the array.
    dtype : numpy.dtype
        Of the array.
    **parameters
        As in SciPy 1.17.

    Raises
    ------
    TilingError
        What SciPy refuses, as the same builtin kind of error; and what is not exact in tiles.
    """
    return function
