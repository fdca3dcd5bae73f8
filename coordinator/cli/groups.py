"""Groups of commands that are imported when they are asked for."""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from importlib import import_module
from typing import TYPE_CHECKING, ClassVar

import typer
from typer._click.exceptions import MissingParameter
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

if TYPE_CHECKING:
    from typer._click import Command, Context, HelpFormatter

MORE_INPUTS: ContextVar[tuple[str, ...]] = ContextVar("MORE_INPUTS", default=())
"""The arguments after the first input, of a command whose outputs go into a folder."""


_ADDRESSES = re.compile(r"\S+:\d+")


def _similar(name: str, names: Sequence[str]) -> list[str]:
    """Return names that contain a word, or else those that are spelt much alike."""
    return [each for each in names if name in each][:3] or difflib.get_close_matches(name, names, 3)


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
    aliases : mapping of str to str
        What people write that is no command, and what they mean.
    """

    places: ClassVar[Mapping[str, Mapping[str, str]]] = {}
    elsewhere: ClassVar[str] = ""
    aliases: ClassVar[Mapping[str, str]] = {}

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
        others = group.list_commands(ctx) if isinstance(group, TyperGroup) else []
        if name in others:
            return f"No such command {name!r}: did you mean {self.elsewhere} {name}?"
        if name in self.aliases:
            return f"No such command {name!r}: did you mean {self.aliases[name]}?"
        if name.endswith(".npy"):
            before = "coord blur" if self.elsewhere else f"{ctx.command_path} median_filter"
            return f"{name!r} is a file: first say what to do, such as {before} {shlex.quote(name)}"
        close = _similar(name, self.list_commands(ctx))
        close = close or [f"{self.elsewhere} {each}" for each in _similar(name, others)]
        hint = (
            f": did you mean {' or '.join(close)}?"
            if close
            else f"; {ctx.command_path} -h lists all"
        )
        return f"No such command {name!r}{hint}"

    def format_help(self, ctx: Context, formatter: HelpFormatter) -> None:  # noqa: ARG002
        """Draw the help."""
        from coordinator.cli.help import show_help

        show_help(self, ctx)


class OneCommand(TyperCommand):
    """A command that says what to write instead of arguments that it does not take."""

    def format_help(self, ctx: Context, formatter: HelpFormatter) -> None:  # noqa: ARG002
        """Draw the help."""
        from coordinator.cli.help import show_help

        show_help(self, ctx)

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        """Parse a line; what is left over gets a suggestion."""
        allowed, ctx.allow_extra_args = ctx.allow_extra_args, True
        try:
            rest = super().parse_args(ctx, args)
        except MissingParameter as error:
            error.message = "Such as: " + (self.epilog or "\n").splitlines()[1].strip()
            raise
        ctx.allow_extra_args = allowed
        if ctx.params.get("out_dir") is not None:
            MORE_INPUTS.set(tuple(rest))
        elif rest and not allowed and not ctx.resilient_parsing:
            more = "one argument" if len(rest) == 1 else f"{len(rest)} arguments"
            ctx.fail(f"Got {more} too many: {shlex.join(rest)}{self._instead(ctx, rest)}")
        return rest

    def _instead(self, ctx: Context, rest: list[str]) -> str:
        """Return what words too many were meant to be, if that can be guessed."""
        names = {name for parameter in self.get_params(ctx) for name in parameter.opts}
        if "--hosts" in names and all(map(_ADDRESSES.fullmatch, rest)):
            return f"; workers have their option: --hosts {','.join(rest)}"
        for option in ("--sigma", "--size"):
            if option in names and re.fullmatch(r"[\d.,]+", rest[0]):
                return f"; did you mean {option} {rest[0]}?"
        if len(rest) == 1 and "--output" in names and ctx.params.get("output") is None:
            return f"; the output has its option: -o {shlex.quote(rest[0])}"
        return ""
