"""The operations that a worker applies to a block: a closed set of plain values.

An operation has the windows that it reads, whether it carries state along lines, and its JSON;
`tiling.kernels.apply` computes it. Filters (see `tiling.filters`) turn SciPy's parameters into
operations; a worker runs operations only, and no code that arrives over the network. Each kind is
imported when it is first named: a Gaussian blur does without ranks and footprints.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

from tiling.errors import WireError
from tiling.operations.arithmetic import Arithmetic
from tiling.operations.base import Operation
from tiling.operations.program import Program, Step, program_from_json

if TYPE_CHECKING:
    from tiling.operations.binary import Erosion, Propagation
    from tiling.operations.correlations import Correlations
    from tiling.operations.running import ComplexCorrelation, RunningExtremum, RunningMean
    from tiling.operations.windows import Correlation, Extremum, Rank

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
    "Propagation",
    "Rank",
    "RunningExtremum",
    "RunningMean",
    "Step",
    "operation_from_json",
]

Primitive: TypeAlias = Operation | Arithmetic

KINDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "correlations": ("correlations", "Correlations"),
        "complex_correlation": ("running", "ComplexCorrelation"),
        "correlation": ("windows", "Correlation"),
        "running_extremum": ("running", "RunningExtremum"),
        "running_mean": ("running", "RunningMean"),
        "extremum": ("windows", "Extremum"),
        "rank": ("windows", "Rank"),
        "erosion": ("binary", "Erosion"),
        "propagation": ("binary", "Propagation"),
        "arithmetic": ("arithmetic", "Arithmetic"),
    }
)
"""What a step of a program can be: its `KIND`, its module and its class."""

_MODULES = {name: module for module, name in KINDS.values()}

if not TYPE_CHECKING:  # for a type checker the module would have every name

    def __getattr__(name: str) -> Any:
        """Import a kind when it is first named."""
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return _imported(_MODULES[name], name)


def _imported(module: str, name: str) -> Any:
    return getattr(import_module(f"{__name__}.{module}"), name)


def operation_from_json(value: object) -> Operation | Program:
    """Read what a call does: one operation that reads one array, or a program of steps.

    Parameters
    ----------
    value : object
        Parsed JSON, not checked.

    Raises
    ------
    WireError
        Saying what is wrong.
    """
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
            primitive: type[Primitive] = _imported(*KINDS[kind])
            return primitive.from_json(value)
    raise WireError(f"operation: kind must be one of {', '.join(KINDS)}")
