"""Usage errors of `worker`: words that are no options, ports and numbers that can't be."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import typer
from typer.core import TyperCommand

from worker.settings import MAX_PORT

if TYPE_CHECKING:
    from typer._click import Context


SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}


class WorkerCommand(TyperCommand):
    """A command without arguments: what looks like one is named with its option."""

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        """Parse a line; a word that is left over gets a suggestion."""
        ctx.allow_extra_args = True
        rest = super().parse_args(ctx, args)
        if rest and not ctx.resilient_parsing:
            ctx.fail(f"{rest[0]!r} is no option of a worker{_instead(rest[0])}")
        return rest


def _instead(word: str) -> str:
    if word.isdigit():
        return f"; for the port write --port {word}"
    if word.endswith(".toml"):
        return "; it is coord that reads a hosts file, as in coord hosts --hosts hosts.toml"
    return ", which takes options only: worker --port 8080"


def port_number(text: str | int) -> int:
    """Parse a port.

    Raises
    ------
    typer.BadParameter
        If it is none.
    """
    return _integer(text, "a port is an integer from 0 to 65535, such as 8080", 0, MAX_PORT)


def thread_count(text: str | int) -> int:
    """Parse a number of threads.

    Raises
    ------
    typer.BadParameter
        If it is none, or no positive one.
    """
    return _integer(text, "want an integer of at least 1", 1, 2**31)


def duration(text: str | float) -> float:
    """Parse a span of time; return its seconds.

    Examples
    --------
    >>> duration("15m"), duration("90")
    (900.0, 90.0)

    Raises
    ------
    typer.BadParameter
        If it is none.
    """
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([smh]?)", str(text).strip())
    if match is None or not float(match[1]):
        raise typer.BadParameter(f"{text!r}: want a time such as 90s, 15m or 2h")
    return float(match[1]) * SECONDS[match[2] or "s"]


def served(text: str) -> str:
    """Return a folder or a bucket; nothing is none, where a path without names is the current one.

    Raises
    ------
    typer.BadParameter
        If it is empty, as a variable is that is not set.
    """
    if not str(text).strip():
        raise typer.BadParameter("names no folder; for the current one write --serve-from .")
    return text


def _integer(text: str | int, rule: str, least: int, most: int) -> int:
    try:
        number = int(text)
    except ValueError:
        number = least - 1
    if not least <= number <= most:
        raise typer.BadParameter(f"{text!r}: {rule}")
    return number
