"""Probes of the operations that SciPy computes itself at the worker: windows and running lines.

One for each kind of operation and dtype that is read, with every edge mode, on all blocks of
`tiling.probes.correlations`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from tiling.dtypes import FILTERED, Dtype
from tiling.errors import TilingError
from tiling.geometry.edges import Mode
from tiling.kernels import Kernel
from tiling.kernels.apply import apply
from tiling.operations import Operation, Program, Step
from tiling.operations.binary import Erosion, Propagation
from tiling.operations.fields import Table
from tiling.operations.running import ComplexCorrelation, RunningExtremum, RunningMean
from tiling.operations.windows import Correlation, Extremum, Rank
from tiling.probes.correlations import MODES, SHAPE, block, specials

CROSS = np.array([[[0, 1, 0], [1, 1, 1]], [[0, 1, 0], [0, 1, 1]]], bool)
WEIGHTS = np.array([[[0.5, -0.25, 1.0], [0.125, 2.0, -1.5]], [[1.0, 0.75, 0.0], [3.0, -0.5, 1.0]]])
ORIGINS = (0, 0, 1)

Maker = Callable[[Mode], tuple[Operation, ...]]


def _erosions(mode: Mode) -> tuple[Operation, ...]:
    """Return both, with both kinds of border for want of edge modes."""
    border = mode == "reflect"
    return tuple(
        Erosion(Table.of(CROSS), ORIGINS, border, dilate, False, iterations=2)
        for dilate in (False, True)
    )


def _propagations(mode: Mode) -> tuple[Operation, ...]:
    """Return what reads and writes states, likewise."""
    border, table = mode == "reflect", Table.of(CROSS)
    each = ((table, ORIGINS, border, dilate, False) for dilate in (False, True))
    return tuple(
        operation
        for values in each
        for operation in (Propagation(*values), Erosion(*values, iterations=2, masked=True))
    )


MAKERS: Mapping[str, Maker] = {
    RunningExtremum.KIND: lambda mode: tuple(
        RunningExtremum(2, 5, mode, 1.5, 1, minimum) for minimum in (False, True)
    ),
    RunningMean.KIND: lambda mode: (RunningMean(2, 4, mode, 1.5, 0), RunningMean(0, 3, mode, 2, 1)),
    ComplexCorrelation.KIND: lambda mode: (
        ComplexCorrelation(2, Table.of(np.array([1 - 2j, 0.5j, -1.5])), mode, 1.5, 0),
    ),
    Correlation.KIND: lambda mode: (Correlation(Table.of(WEIGHTS), mode, 1.5, ORIGINS),),
    Extremum.KIND: lambda mode: (
        Extremum(Table.of(CROSS), mode, 1.5, ORIGINS, None, True),
        Extremum(Table.of(CROSS), mode, 1.5, ORIGINS, Table.of(WEIGHTS), False),
    ),
    Rank.KIND: lambda mode: (Rank(Table.of(CROSS), mode, 1.5, ORIGINS, 2),),
    Erosion.KIND: _erosions,
    Propagation.KIND: _propagations,
}


def target_of(kind: str, source: Dtype) -> Dtype:
    """Return the dtype that a probe writes: what is read, or what the kind can only write.

    Parameters
    ----------
    kind : str
        A key of `MAKERS`.
    source : numpy.dtype
        Of the block.
    """
    if kind == ComplexCorrelation.KIND:
        return np.dtype("c16")
    return np.dtype(bool) if kind == Erosion.KIND else source


def names() -> Iterator[str]:
    """Make the names of all these probes: kind and dtype, as far as the two go together."""
    for kind, make in MAKERS.items():
        for source in FILTERED.values():
            try:
                for operation in make("reflect"):
                    operation.check(len(SHAPE), source, target_of(kind, source))
            except TilingError:
                continue
            yield f"{kind}-{source.name}"


def outcomes(name: str, kernel: Kernel) -> Iterator[bytes]:
    """Compute a probe; make the bytes of each result.

    Parameters
    ----------
    name : str
        One of `names`.
    kernel : Kernel
    """
    kind, _, dtype = name.partition("-")
    source = np.dtype(dtype)
    everything = tuple(slice(0, length) for length in SHAPE)
    for mode in MODES:
        for operation in MAKERS[kind](mode):
            program = Program(source, (Step(operation, (0,), target_of(kind, source)),))
            for special in specials(source):
                out = np.empty(SHAPE, program.dtypes[-1])
                apply(program, block(dtype, special), everything, out, kernel)
                yield out.tobytes()
