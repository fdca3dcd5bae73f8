"""Parsers of values on command lines: numbers, one or one per axis, edge modes, sizes."""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from typing import Any

import typer


def numbers(text: str, kind: type[int] | type[float], option: str) -> float | list[float]:
    """Parse ``2`` or ``2,2,0``: one number for all axes, or one per axis."""
    try:
        values = [kind(part) for part in text.split(",")]
    except ValueError:
        what = "integers" if kind is int else "numbers"
        raise typer.BadParameter(
            f"{text!r}: {what} separated by commas, please", param_hint=option
        ) from None
    return values[0] if "," not in text else values


def number(text: str, option: str) -> complex:
    """Parse a number that may be complex, such as ``1+2j``."""
    try:
        value = complex(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a number", param_hint=option) from None
    return value if value.imag else value.real


def modes(text: str) -> str | list[str]:
    """Parse ``reflect`` or ``wrap,reflect``, with a suggestion for a misspelt one."""
    from tiling.geometry.edges import MODES

    names = text.split(",")
    for name in names:
        if name not in MODES:
            import difflib

            close = difflib.get_close_matches(name, MODES, 1)
            hint = f"did you mean {close[0]}?" if close else f"one of {', '.join(MODES)}"
            raise typer.BadParameter(f"{name!r} is no edge mode: {hint}", param_hint="--mode")
    return names if "," in text else text


def memory(text: str, option: str) -> int:
    """Parse a size in bytes, such as ``500MB``, ``2GiB`` or ``1000000``.

    >>> memory("1.5 GB", "--max-memory")
    1500000000
    """
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*([kmgt]?i?b?)", text.strip().lower())
    unit = match[2].removesuffix("b") if match else ""
    if match is None or unit == "i":
        raise typer.BadParameter(f"{text!r} is no size: 500MB, please", param_hint=option)
    base = 1024 if unit.endswith("i") else 1000
    return int(float(match[1]) * base ** " kmgt".index(unit[:1] or " "))


def gaussian(given: MutableMapping[str, Any]) -> dict[str, Any]:
    """Take what was given for `scipy.ndimage.gaussian_filter` out of a command's options."""
    radius, axes = given.pop("radius"), given.pop("axes")
    return {
        "sigma": numbers(given.pop("sigma"), float, "--sigma"),
        "order": numbers(given.pop("order"), int, "--order"),
        "mode": modes(given.pop("mode")),
        "cval": number(given.pop("cval"), "--cval"),
        "truncate": given.pop("truncate"),
        "radius": numbers(radius, int, "--radius") if radius else None,
        "axes": numbers(axes, int, "--axes") if axes else None,
        "output": given.pop("dtype"),
    }


def placement(given: MutableMapping[str, Any]) -> dict[str, Any]:
    """Take where a job is computed, and in what pieces, out of a command's options."""
    tile, max_memory = given.pop("tile"), given.pop("max_memory")
    return {
        "hosts": given.pop("hosts"),
        "token_file": given.pop("token_file"),
        "tile": numbers(tile, int, "--tile") if tile else None,
        "max_memory_bytes": memory(max_memory, "--max-memory") if max_memory else None,
    }


def share(text: str, option: str) -> float:
    """Parse ``2%`` or ``0.02``: a share of the tiles, more than none."""
    digits, percent = text.removesuffix("%"), text.endswith("%")
    try:
        value = float(digits) / (100 if percent else 1)
    except ValueError:
        value = 0.0
    if not 0 < value <= 1:
        raise typer.BadParameter(f"{text!r}: a share such as 2% or 0.02", param_hint=option)
    return value
