"""SciPy's functions, made from the rows of the table: one signature, one body for all.

Each has the signature of SciPy's function and a keyword-only `tile` besides.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from coordinator.api import generic
from coordinator.api.arrays import filter_array
from coordinator.api.documentation import documentation
from coordinator.api.tracebacks import brief
from coordinator.engines import Engine
from coordinator.events import Listener
from coordinator.run.calls import bound
from tiling.dtypes import Array
from tiling.filters import Exactness, Filter

_INPUT = inspect.Parameter("input", inspect.Parameter.POSITIONAL_OR_KEYWORD)
_TILE = inspect.Parameter("tile", inspect.Parameter.KEYWORD_ONLY, default=None)
_SELF = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)


def signature_of(row: Filter) -> inspect.Signature:
    """Return the signature of a row's function: SciPy's, and `tile` if it is cut into tiles."""
    if row.exactness is Exactness.REFUSED:
        signature = inspect.signature(getattr(generic, row.name))
        return _plain(list(signature.parameters.values()))
    own = list(row.signature.parameters.values())
    rest = [own.pop()] if own and own[-1].kind is inspect.Parameter.VAR_KEYWORD else []
    return _plain([_INPUT, *own, _TILE, *rest])


def _plain(parameters: Sequence[inspect.Parameter]) -> inspect.Signature:
    """Return a signature without annotations; `tilefan/ndimage.pyi` has them."""
    empty = inspect.Parameter.empty
    return inspect.Signature([each.replace(annotation=empty) for each in parameters])


def function(row: Filter, engine: Callable[[], Engine], listen: Listener) -> Callable[..., Array]:
    """Return a function that filters on the engine that `engine` makes, or has SciPy do it."""
    signature = signature_of(row)

    def call(*args: Any, **kwargs: Any) -> Array:
        parameters, array, tile = arguments(row, signature, args, kwargs)
        return filter_array(engine(), listen, [(row.name, parameters)], array, tile)

    body = getattr(generic, row.name) if row.exactness is Exactness.REFUSED else brief(call)
    body.__module__ = "tilefan.ndimage"  # where users find it
    return named(body, row, signature, documentation(row, signature))


def method(row: Filter) -> Callable[..., Array]:
    """Return a method of `coordinator.api.fleet.Fleet`; it refuses what SciPy would have to do."""
    signature = signature_of(row)

    def call(self: Any, *args: Any, **kwargs: Any) -> Array:
        parameters, array, tile = arguments(row, signature, args, kwargs)
        links = [(row.name, parameters)]
        with self.turn:
            return filter_array(self.engine, self.listen, links, array, tile, self.sampling)

    body: Callable[..., Any] = row.call if row.exactness is Exactness.REFUSED else call
    bound = signature.replace(parameters=[_SELF, *signature.parameters.values()])
    return named(brief(body), row, bound, documentation(row, signature, fleet=True))


def arguments(
    row: Filter, signature: inspect.Signature, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[dict[str, Any], Any, Any]:
    """Return what a function was called with: SciPy's parameters, the array, and the tile."""
    given = bound(row.name, signature, args, kwargs)
    array, tile, more = given.pop("input"), given.pop("tile", None), given.pop("kwargs", {})
    return given | more, array, tile


def named(
    body: Callable[..., Any], row: Filter, signature: inspect.Signature, text: str
) -> Callable[..., Any]:
    """Give a function the name of a row, its signature and its docstring."""
    body.__name__ = body.__qualname__ = row.name
    body.__doc__ = text
    vars(body)["__signature__"] = signature
    return body
