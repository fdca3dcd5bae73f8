"""What people write on command lines, parsed: numbers, one or one per axis, and edge modes."""

from __future__ import annotations

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
    import difflib

    from tiling.edges import MODES

    names = text.split(",")
    for name in names:
        if name not in MODES:
            close = difflib.get_close_matches(name, MODES, 1)
            hint = f"did you mean {close[0]}?" if close else f"one of {', '.join(MODES)}"
            raise typer.BadParameter(f"{name!r} is no edge mode: {hint}", param_hint="--mode")
    return names if "," in text else text
