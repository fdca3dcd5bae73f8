"""The help of a command: rich panels, or on a terminal too narrow for them, plain lines.

Rich cuts words that do not fit into a column of a panel. Plain lines break between words only: one
that is longer than the terminal goes over its edge.
"""

from __future__ import annotations

import inspect
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import typer

from coordinator.text import wrapped

if TYPE_CHECKING:
    from typer._click import Command, Context
    from typer.core import TyperCommand, TyperGroup

PANELS_FROM: Final = 80
"""Columns that panels need for every word of every help."""


def show_help(command: TyperCommand | TyperGroup, ctx: Context) -> None:
    """Print the help of a command as it fits the terminal."""
    columns = shutil.get_terminal_size().columns
    if columns >= PANELS_FROM:
        from typer.rich_utils import rich_format_help

        rich_format_help(obj=command, ctx=ctx, markup_mode="rich")
    else:
        typer.echo("\n".join(plain_help(command, ctx, columns)))


def plain_help(command: TyperCommand | TyperGroup, ctx: Context, columns: int) -> Iterator[str]:
    """Yield the lines of a help without panels, broken between words."""
    yield from wrap(command.get_usage(ctx).replace("\n", " "), columns)
    for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
        yield ""
        yield from wrap(paragraph, columns)
    yield ""
    for term, text in _terms(command, ctx):
        yield from wrap(term, columns)
        yield from wrap(text, columns, "    ")
    yield ""
    yield from (command.epilog or "").replace("\\[", "[").splitlines()


def wrap(text: str, columns: int, indent: str = "") -> list[str]:
    """Break a text into lines between words.

    Examples
    --------
    >>> wrap("as scipy.ndimage.gaussian_filter does", 12)
    ['as', 'scipy.ndimage.gaussian_filter', 'does']
    """
    return wrapped(" ".join(text.split()), columns, indent, indent)


def _terms(command: TyperCommand | TyperGroup, ctx: Context) -> Iterator[tuple[str, str]]:
    """Yield what can be written after the command, each with its meaning."""
    for parameter in command.get_params(ctx):
        record = parameter.get_help_record(ctx)
        if record is not None:
            yield record
    names = command.list_commands(ctx) if hasattr(command, "list_commands") else []
    for name in names:
        found: Command | None = command.get_command(ctx, name)  # type: ignore[union-attr]
        if found is not None:
            yield name, found.get_short_help_str(10_000)
