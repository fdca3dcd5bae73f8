"""Events as JSON, one object a line: for programs.

    {"version": 1, "time_s": 0.25, "event": "TileStored", "tile": 7, "worker": ..., ...}

`time_s` counts from the first event. The other keys are the fields of the event of that name in
`coordinator.events`, and `event_schema` writes them down as a JSON Schema: that is
`docs/events.schema.json`. A run has one `RunStarted` and one `RunFinished`; where it has several
stages, each after the first begins with a `StageStarted`. New events and new fields may come
without a new version, so readers skip what they do not know; a field that goes away or changes its
meaning makes a new version. Numbers that are not finite are null.
"""

from __future__ import annotations

import json
import math
import types
import typing
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from coordinator import events

if TYPE_CHECKING:
    from coordinator.events import Event

VERSION: Final = 1

_SCALARS: Final[dict[object, str]] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    type(None): "null",
}


def encode(time_s: float, event: Event) -> str:
    """Write an event as one line of ASCII, without its end.

    Examples
    --------
    >>> encode(1.5, events.WorkerBack("node1:8080"))
    '{"version": 1, "time_s": 1.5, "event": "WorkerBack", "worker": "node1:8080"}'
    """
    values = {field.name: _finite(getattr(event, field.name)) for field in fields(event)}
    head = {"version": VERSION, "time_s": round(time_s, 6), "event": type(event).__name__}
    return json.dumps({**head, **values}, default=str)


def _finite(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def event_schema() -> dict[str, Any]:
    """Write the JSON Schema (draft 2020-12) of a line, derived from the events themselves."""
    named = (getattr(events, name) for name in events.__all__)
    kinds = (kind for kind in named if isinstance(kind, type) and is_dataclass(kind))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "An event of a tilefan run",
        "oneOf": [_object_schema(kind) for kind in kinds],
    }


def _object_schema(kind: type) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    schemas = {field.name: _type_schema(hints[field.name]) for field in fields(kind)}
    head = {
        "version": {"const": VERSION},
        "time_s": {"type": "number", "minimum": 0},
        "event": {"const": kind.__name__},
    }
    properties = {**head, **schemas}
    described = {"title": kind.__name__, "description": (kind.__doc__ or "").partition("\n")[0]}
    return {**described, "type": "object", "properties": properties, "required": list(properties)}


def _type_schema(hint: Any) -> dict[str, Any]:
    if hint in _SCALARS:
        return {"type": _SCALARS[hint]}
    if isinstance(hint, type) and issubclass(hint, Enum):
        return {"enum": [member.value for member in hint]}
    arguments = typing.get_args(hint)
    match typing.get_origin(hint):
        case types.UnionType | typing.Union:
            return {"anyOf": [_type_schema(argument) for argument in arguments]}
        case origin if origin is tuple and arguments[-1] is ...:
            return {"type": "array", "items": _type_schema(arguments[0])}
        case origin if origin is tuple:
            parts = [_type_schema(argument) for argument in arguments]
            length = {"minItems": len(parts), "maxItems": len(parts)}
            return {"type": "array", "prefixItems": parts, **length}
        case _:
            return {}
