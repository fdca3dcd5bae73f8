"""SciPy's functions, made from the rows of the table: one signature, one body for all.

A face has the signature of SciPy's function and a keyword-only `tile` besides.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from coordinator.api.arrays import filter_array
from coordinator.engines import Engine
from coordinator.events import Listener
from tiling.dtypes import Array
from tiling.filters import Exactness, Filter

if TYPE_CHECKING:
    from coordinator.checks.recompute import Sampling

_INPUT = inspect.Parameter("input", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Any)
_TILE = inspect.Parameter("tile", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Any)
_SELF = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)


def signature_of(row: Filter) -> inspect.Signature:
    """Return the signature of a row's function: SciPy's, and `tile`."""
    own = list(row.signature.parameters.values())
    rest = [own.pop()] if own and own[-1].kind is inspect.Parameter.VAR_KEYWORD else []
    return inspect.Signature([_INPUT, *own, _TILE, *rest], return_annotation=Array)


def function(row: Filter, engine: Callable[[], Engine], listen: Listener) -> Callable[..., Array]:
    """Return a function that filters on the engine that `engine` makes, or has SciPy do it."""
    if row.exactness is Exactness.REFUSED:
        return _generic(row)
    signature = signature_of(row)

    def face(*args: Any, **kwargs: Any) -> Array:
        return _filter(row, signature.bind(*args, **kwargs), engine(), listen)

    return _named(face, row, signature)


def method(row: Filter) -> Callable[..., Array]:
    """Return a method of `coordinator.api.fleet.Fleet`."""
    if row.exactness is Exactness.REFUSED:
        return _named(row.call, row, row.signature)
    signature = signature_of(row)

    def face(self: Any, *args: Any, **kwargs: Any) -> Array:
        bound = signature.bind(*args, **kwargs)
        return _filter(row, bound, self.engine, self.listen, self.sampling)

    return _named(face, row, signature.replace(parameters=[_SELF, *signature.parameters.values()]))


def _filter(
    row: Filter,
    bound: inspect.BoundArguments,
    engine: Engine,
    listen: Listener,
    sampling: Sampling | None = None,
) -> Array:
    """Filter with what a face was called with."""
    given = dict(bound.arguments)
    array, tile = given.pop("input"), given.pop("tile", None)
    parameters = {**given, **given.pop("kwargs", {})}
    parameters.pop("kwargs", None)
    return filter_array(engine, listen, [(row.name, parameters)], array, tile, sampling)


def _generic(row: Filter) -> Callable[..., Array]:
    """Return a function that calls SciPy's own, on this machine and in one thread."""

    def face(*args: Any, **kwargs: Any) -> Array:
        from tiling.kernels import generic

        result: Array = generic.run(row.name, *args, **kwargs)
        return result

    face.__name__ = face.__qualname__ = row.name
    face.__doc__ = f"Call `scipy.ndimage.{row.name}`, in one thread: {row.note}."
    return face


def _named(
    face: Callable[..., Any], row: Filter, signature: inspect.Signature
) -> Callable[..., Array]:
    face.__name__ = face.__qualname__ = row.name
    face.__doc__ = _documentation(row)
    vars(face)["__signature__"] = signature
    return face


def _documentation(row: Filter) -> str:
    """Return the docstring of a row's function."""
    exactness = row.exactness.value + (f" ({row.note})" if row.note else "")
    if row.exactness is Exactness.REFUSED:
        return f"Refuse: {row.note}."
    return f"""{row.summary}

The result has the bits of `scipy.ndimage.{row.name}`: {exactness}.

Parameters
----------
input : array_like
    {row.dtypes.value[0].upper() + row.dtypes.value[1:]}.
tile : int or sequence of int, optional
    Shape of the piece that each tile owns; chosen to keep all cores busy unless given.
others
    As in SciPy 1.17.

Returns
-------
ndarray
    Of the shape of `input`; `output` itself if that is an array.

Raises
------
ValueError, TypeError, RuntimeError
    What SciPy raises for the same mistake.
"""
