"""Groups of commands that are imported when they are asked for."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, ClassVar

import typer
from typer.core import TyperGroup
from typer.main import get_command

if TYPE_CHECKING:
    from typer._click import Command, Context, HelpFormatter


class LazyGroup(TyperGroup):
    """A group that lists its commands from a table and imports one in `get_command`.

    Errors are plain sentences, which neither wrap nor load rich; only the help is drawn by it.

    Attributes
    ----------
    places : mapping of str to mapping
        A panel of the help, the names in it, and where each is: ``module:attribute``,
        of a `typer.Typer` or of a command.
    elsewhere : str
        A group of commands that are suggested too.
    """

    places: ClassVar[Mapping[str, Mapping[str, str]]] = {}
    elsewhere: ClassVar[str] = ""

    def list_commands(self, ctx: Context) -> list[str]:  # noqa: ARG002
        """Return all names, in the order of the help."""
        return [name for names in self.places.values() for name in names]

    def get_command(self, ctx: Context, cmd_name: str) -> Command | None:  # noqa: ARG002
        """Import a command; None if there is no such name."""
        for panel, names in self.places.items():
            if cmd_name in names:
                module, _, attribute = names[cmd_name].partition(":")
                found = getattr(import_module(module), attribute)
                command = get_command(found) if isinstance(found, typer.Typer) else found
                vars(command)["rich_help_panel"] = panel
                return command
        return None

    def resolve_command(
        self, ctx: Context, args: list[str]
    ) -> tuple[str | None, Command | None, list[str]]:
        """Find the command of a line; an unknown name gets a suggestion."""
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            ctx.fail(self._no_such_command(ctx, name))
        return super().resolve_command(ctx, args)

    def _no_such_command(self, ctx: Context, name: str) -> str:
        group = self.get_command(ctx, self.elsewhere) if self.elsewhere else None
        if isinstance(group, TyperGroup) and name in group.list_commands(ctx):
            return f"No such command {name!r}: did you mean {self.elsewhere} {name}?"
        close = difflib.get_close_matches(name, self.list_commands(ctx), 3)
        hint = f": did you mean {' or '.join(close)}?" if close else ""
        return f"No such command {name!r}{hint}"

    def format_help(self, ctx: Context, formatter: HelpFormatter) -> None:  # noqa: ARG002
        """Draw the help."""
        from typer.rich_utils import rich_format_help

        rich_format_help(obj=self, ctx=ctx, markup_mode="rich")
