"""Commands whose help has sections: options under headings, examples, and exit codes at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

import click

from coordinator.cli.exit import CODES

FILTER, OUTPUT, FLEET, RUN, DISPLAY, OTHER = HEADINGS = (
    *("Filter", "Output", "Fleet", "Run", "Display", "Other options"),
)
"""Of options, in the order of the help."""


class Option(click.Option):
    """An option that shows its default and its variable, under a heading.

    Parameters
    ----------
    heading : str
        One of `HEADINGS`.
    """

    def __init__(self, *declarations: Any, heading: str = OTHER, **attributes: Any) -> None:
        super().__init__(*declarations, **{"show_default": True, "show_envvar": True, **attributes})
        self.heading = heading


class Command(click.Command):
    """A command with examples.

    Parameters
    ----------
    examples : sequence of str
        Whole command lines.
    """

    def __init__(self, *given: Any, examples: Sequence[str] = (), **attributes: Any) -> None:
        super().__init__(*given, **attributes)
        self.examples = examples

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, each under its heading."""
        records: dict[str, list[tuple[str, str]]] = {heading: [] for heading in HEADINGS}
        for option in self.get_params(ctx):
            record = option.get_help_record(ctx)
            if isinstance(option, click.Option) and record is not None:
                records[getattr(option, "heading", OTHER)].append(record)
        for heading, rows in records.items():
            if rows:
                with formatter.section(heading):
                    formatter.write_dl(rows)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the examples and the exit codes."""
        if self.examples:
            with formatter.section("Examples"):
                for line in self.examples:
                    formatter.write(f"{'':{formatter.current_indent}}{line}\n")
        write_codes(formatter)


class Group(click.Group):
    """A group that has a suggestion for a misspelt name."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command of a line."""
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand as error:
            names = self.list_commands(ctx)
            raise click.NoSuchCommand(error.command_name, possibilities=names, ctx=ctx) from None

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the exit codes."""
        write_codes(formatter)


class Commands(Group):
    """A group whose commands are imported when they are asked for.

    Parameters
    ----------
    places : mapping of str to mapping
        A heading, the names under it, and where each is: ``module:attribute``.
    """

    def __init__(
        self, *given: Any, places: Mapping[str, Mapping[str, str]], **attributes: Any
    ) -> None:
        super().__init__(*given, **attributes)
        self._places = places

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return all names, in the order of the help."""
        return [name for names in self._places.values() for name in names]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import a command; None if there is no such name."""
        for names in self._places.values():
            if cmd_name in names:
                module, _, attribute = names[cmd_name].partition(":")
                command: click.Command = getattr(import_module(module), attribute)
                return command
        return None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands, each under its heading."""
        width = max(map(len, self.list_commands(ctx)))
        for heading, names in self._places.items():
            commands = ((name, self.get_command(ctx, name)) for name in names)
            limit = formatter.width - width - 6
            rows = [
                (name.ljust(width), command.get_short_help_str(limit))
                for name, command in commands
                if command is not None
            ]
            with formatter.section(heading):
                formatter.write_dl(rows)


def write_codes(formatter: click.HelpFormatter) -> None:
    """Write what the exit codes mean."""
    with formatter.section("Exit codes"):
        formatter.write_dl(list(CODES.items()))
