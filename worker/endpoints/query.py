"""SciPy's parameters in the query of a plain request: ``?size=5,5,1&mode=wrap``.

Numbers and words are separated by commas where SciPy takes one per axis; ``none`` stands for None,
and arrays are JSON: ``footprint=[[0,1],[1,1]]``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from multidict import MultiMapping

from tiling.filters import FILTERS
from worker.errors import Kind, RefusedError
from worker.settings import Settings

Parser = Callable[[str], Any]

MAX_INTEGER = 2**63
"""Integers are smaller, as NumPy's are."""


def _integer(text: str) -> int:
    value = int(text)
    if abs(value) >= MAX_INTEGER:
        raise OverflowError
    return value


def _number(text: str) -> int | float:
    return _integer(text) if text.lstrip("+-").isdecimal() else float(text)


def _complex(text: str) -> complex:
    value = complex(text)
    return value if value.imag else value.real


def _boolean(text: str) -> bool:
    return {"true": True, "false": False, "1": True, "0": False}[text.lower()]


def _optional(parse: Parser) -> Parser:
    return lambda text: None if text == "none" else parse(text)


def _each(parse: Parser) -> Parser:
    """Parse one value, or a list with one value per axis."""
    return lambda text: [parse(word) for word in text.split(",")] if "," in text else parse(text)


def _array(text: str) -> Any:
    """Parse nested lists of numbers; JSON's objects, strings and nulls are none."""
    value = json.loads(text)
    pending = [value]
    while pending:
        match pending.pop():
            case list(items):
                pending += items
            case int(number) if abs(number) < MAX_INTEGER:
                pass
            case float():
                pass
            case _:
                raise ValueError("not an array of numbers")
    return value


PARSERS: Mapping[str, Parser] = {
    "axes": _optional(_each(_integer)),
    "axis": _integer,
    "border_value": _integer,
    "brute_force": _boolean,
    "cval": _complex,
    "footprint": _array,
    "iterations": _integer,
    "mode": _each(str),
    "order": _each(_integer),
    "origin": _each(_integer),
    "output": str,
    "percentile": _number,
    "radius": _each(_optional(_integer)),
    "rank": _integer,
    "sigma": _each(_number),
    "size": _optional(_each(_integer)),
    "structure": _array,
    "truncate": _number,
    "weights": _array,
}
"""Parsers by SciPy's names; each raises ValueError, KeyError or OverflowError."""


def parse_query(
    query: MultiMapping[str], name: str, defaults: Mapping[str, Any], settings: Settings
) -> dict[str, Any]:
    """Return the parameters of a filter.

    Parameters
    ----------
    query : multidict
    name : str
        Of the filter.
    defaults : mapping
        Parameters that the query may leave out or replace.
    settings : Settings

    Raises
    ------
    RefusedError
        If a parameter is unknown, repeated or malformed, or the taps would take long to compute.
    """
    names = [key for key in FILTERS[name].defaults if key in PARSERS]
    parameters = dict(defaults)
    for key, text in query.items():
        if key not in names or len(query.getall(key)) > 1:
            detail = f"{key[:40]}: once each of {', '.join(names)}, nothing else"
            raise RefusedError(Kind.MALFORMED, detail)
        try:
            parameters[key] = PARSERS[key](text)
        except OverflowError:
            detail = f"{key}: {text[:80]!r} is no 64-bit integer"
            raise RefusedError(Kind.UNSUPPORTED, detail) from None
        except (ValueError, KeyError, RecursionError):
            detail = f"{key}: {text[:80]!r} is no such parameter"
            raise RefusedError(Kind.MALFORMED, detail) from None
    if "sigma" in parameters:
        _check_taps(parameters, settings)
    return parameters


def _check_taps(parameters: Mapping[str, Any], settings: Settings) -> None:
    """Refuse taps that would take long to compute, by an estimate from the largest parameters."""
    order = _largest(parameters.get("order"))
    if order > settings.max_order:
        raise RefusedError(Kind.TOO_COSTLY, f"order: at most {settings.max_order}")
    reach = max(
        _largest(parameters.get("radius")),
        _largest(parameters["sigma"]) * parameters.get("truncate", 4.0),
    )
    if (2 * reach + 1) * (order + 1) > settings.tap_terms:
        detail = f"taps {reach!s:.40} samples wide at order {order}: ask for fewer"
        raise RefusedError(Kind.TOO_COSTLY, detail)


def _largest(value: Any) -> Any:
    """Return the largest number of a parameter; 0 where there is none."""
    values = value if isinstance(value, list) else [value]
    return max((number for number in values if number is not None), default=0)
