"""What a worker can be asked to do to a block: a closed set of plain values.

An operation knows what it reads (its windows, and whether it carries state along lines), how it
travels as JSON, and how it is applied. Filters (see `tiling.filters`) turn SciPy's parameters into
operations; a worker runs operations only, and no code that arrives over the network.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeAlias

from tiling.errors import WireError
from tiling.operations.arithmetic import Arithmetic
from tiling.operations.base import Operation
from tiling.operations.correlations import Correlations
from tiling.operations.lines import ComplexCorrelation, RunningExtremum, RunningMean
from tiling.operations.program import Program, Step, program_from_json
from tiling.operations.windows import Correlation, Erosion, Extremum, Rank

__all__ = [
    "KINDS",
    "Arithmetic",
    "ComplexCorrelation",
    "Correlation",
    "Correlations",
    "Erosion",
    "Extremum",
    "Operation",
    "Program",
    "Rank",
    "RunningExtremum",
    "RunningMean",
    "Step",
    "operation_from_json",
]

Primitive: TypeAlias = Operation | Arithmetic

KINDS: Mapping[str, type[Primitive]] = MappingProxyType(
    {
        kind.KIND: kind
        for kind in (
            Correlations,
            ComplexCorrelation,
            Correlation,
            RunningExtremum,
            RunningMean,
            Extremum,
            Rank,
            Erosion,
            Arithmetic,
        )
    }
)
"""What a step of a program can be."""


def operation_from_json(value: object) -> Operation | Program:
    """Read what a call does: one operation that reads one array, or a program of steps."""
    if isinstance(value, dict) and value.get("kind") == Program.KIND:
        return program_from_json(value, _step_from_json)
    operation = _step_from_json(value)
    if isinstance(operation, Arithmetic):
        raise WireError("operation: arithmetic belongs into a program")
    return operation


def _step_from_json(value: object) -> Primitive:
    if isinstance(value, dict):
        kind = value.get("kind")
        if isinstance(kind, str) and kind in KINDS:
            return KINDS[kind].from_json(value)
    raise WireError(f"operation: kind must be one of {', '.join(KINDS)}")
