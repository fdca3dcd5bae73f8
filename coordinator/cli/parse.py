"""Parsers of values on command lines: numbers, one or one per axis, edge modes, sizes."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

import typer

ANSWERS: Mapping[str, bool] = {
    **dict.fromkeys(("1", "true", "yes"), True),
    **dict.fromkeys(("0", "false", "no"), False),
}


def numbers(text: str, kind: Callable[[str], float], option: str) -> float | list[float]:
    """Parse ``2`` or ``2,2,0``: one number for all axes, or one per axis.

    Raises
    ------
    typer.BadParameter
        If a part is no number of this kind.
    """
    try:
        values = [kind(part) for part in text.split(",")]
    except ValueError:
        what, such = ("integers", "3 or 3,3,1") if kind is int else ("numbers", "2 or 2,2,0.5")
        raise typer.BadParameter(
            f"{text!r}: want {what} separated by commas, such as {such}", param_hint=option
        ) from None
    return values[0] if "," not in text else values


def integer(text: str, option: str) -> int:
    """Parse one integer.

    Raises
    ------
    typer.BadParameter
        If it is none, or several.
    """
    try:
        return int(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r}: want one integer", param_hint=option) from None


def sizes(text: str, option: str) -> float | list[float]:
    """Parse the samples of a window: one number for all axes, or one per axis.

    Raises
    ------
    typer.BadParameter
        If one is no integer, or below 1: a window holds at least the sample itself.
    """
    values = numbers(text, int, option)
    if min(values if isinstance(values, list) else [values]) < 1:
        raise typer.BadParameter(
            f"{text!r}: a window has at least 1 sample; 1 leaves an axis as it is",
            param_hint=option,
        )
    return values


def lengths(text: str | None, option: str) -> tuple[int, ...]:
    """Parse the shape of a chunk: one length for all axes, or one per axis; () if there is none.

    Raises
    ------
    typer.BadParameter
        If one is no integer, or below 1.
    """
    if text is None:
        return ()
    values: Any = numbers(text, int, option)
    shape = tuple(values) if isinstance(values, list) else (values,)
    if min(shape) < 1:
        raise typer.BadParameter(f"{text!r}: a length is 1 at least", param_hint=option)
    return shape


def tile_size(text: str) -> float | list[float]:
    """Parse the shape of a tile: one size for all axes, or one per axis.

    Raises
    ------
    typer.BadParameter
        If one is no integer, or below 1.
    """
    values = numbers(text, int, "--tile")
    if min(values if isinstance(values, list) else [values]) < 1:
        raise typer.BadParameter(
            f"{text!r}: every axis needs at least one sample", param_hint="--tile"
        )
    return values


def finite(value: float | None) -> float | None:
    """Refuse what a range lets through and no clock reaches, as the callback of an option.

    Raises
    ------
    typer.BadParameter
        If it is ``nan`` or ``inf``.
    """
    if value is not None and not math.isfinite(value):
        raise typer.BadParameter(f"{value} is no time")
    return value


def yes_or_no(text: str, option: str) -> bool:
    """Parse ``1`` or ``0``, also in words.

    Raises
    ------
    typer.BadParameter
        If it is neither.
    """
    if text.lower() not in ANSWERS:
        raise typer.BadParameter(f"{text!r} is neither 0 nor 1", param_hint=option)
    return ANSWERS[text.lower()]


def number(text: str, option: str) -> complex:
    """Parse a number that may be complex, such as ``1+2j``.

    Raises
    ------
    typer.BadParameter
        If it is none.
    """
    try:
        value = complex(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a number", param_hint=option) from None
    return value if value.imag else value.real


def modes(text: str) -> str | list[str]:
    """Parse ``reflect`` or ``wrap,reflect``, with a suggestion for a misspelt one.

    Raises
    ------
    typer.BadParameter
        If one is no edge mode.
    """
    from tiling.geometry.edges import MODES

    names = text.split(",")
    for name in names:
        if name not in MODES:
            import difflib

            close = difflib.get_close_matches(name, MODES, 1)
            close = [name.lower()] if name.lower() in MODES else close
            hint = f"did you mean {close[0]}?" if close else f"one of {', '.join(MODES)}"
            raise typer.BadParameter(f"{name!r} is no edge mode: {hint}", param_hint="--mode")
    return names if "," in text else text


def memory(text: str, option: str) -> int:
    """Parse a size in bytes, such as ``500MB``, ``2GiB`` or ``1000000``.

    >>> memory("1.5 GB", "--max-memory")
    1500000000

    Raises
    ------
    typer.BadParameter
        If it is no size.
    """
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*([kmgt]?i?b?)", text.strip().lower())
    unit = match[2].removesuffix("b") if match else ""
    if match is None or unit == "i":
        raise typer.BadParameter(f"{text!r} is no size such as 500MB or 2GiB", param_hint=option)
    base = 1024 if unit.endswith("i") else 1000
    return int(float(match[1]) * base ** " kmgt".index(unit[:1] or " "))


def gaussian(options: MutableMapping[str, Any]) -> dict[str, Any]:
    """Take the parameters of `scipy.ndimage.gaussian_filter` out of a command's options."""
    radius, axes = options.pop("radius"), options.pop("axes")
    return {
        "sigma": numbers(options.pop("sigma"), float, "--sigma"),
        "order": numbers(options.pop("order"), int, "--order"),
        "mode": modes(options.pop("mode")),
        "cval": number(options.pop("cval"), "--cval"),
        "truncate": options.pop("truncate"),
        "radius": numbers(radius, int, "--radius") if radius else None,
        "axes": numbers(axes, int, "--axes") if axes else None,
        "output": options.pop("dtype"),
    }


def placement(options: MutableMapping[str, Any]) -> dict[str, Any]:
    """Take those of `coordinator.workflows.run_options.Placement` out of a command's options.

    Raises
    ------
    typer.BadParameter
        If one makes no sense, two places are named, or workers are required to open files and
        none are named.
    """
    if options["by_reference"] == "require" and not (options["hosts"] or options["engine"]):
        raise typer.BadParameter(
            "require (or TILEFAN_BY_REFERENCE) wants workers that open the files, and none are "
            "named: add --hosts or --engine, or leave it out",
            param_hint="--by-reference",
        )
    tile, max_memory = options.pop("tile"), options.pop("max_memory")
    if options["engine"] is not None and options["hosts"] is not None:
        raise typer.BadParameter("--engine and --hosts (or TILEFAN_HOSTS) are two places: name one")
    return {
        "hosts": options.pop("hosts"),
        "engine": options.pop("engine"),
        "token_file": options.pop("token_file"),
        "wire_codec": options.pop("wire_codec"),
        "by_reference": options.pop("by_reference"),
        "tile": tile_size(tile) if tile is not None else None,
        "max_memory_bytes": memory(max_memory, "--max-memory") if max_memory is not None else None,
    }


def share(text: str, option: str) -> float:
    """Parse ``2%`` or ``0.02``: a share of the tiles, more than none.

    Raises
    ------
    typer.BadParameter
        If it is none, or not in (0, 1].
    """
    digits, percent = text.removesuffix("%"), text.endswith("%")
    try:
        value = float(digits) / (100 if percent else 1)
    except ValueError:
        value = 0.0
    if not 0 < value <= 1:
        raise typer.BadParameter(
            f"{text!r}: want a share of the tiles, such as 2% or 0.02, at most 100%",
            param_hint=option,
        )
    return value
