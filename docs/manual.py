"""The commands as values, read from what makes `--help`; as Markdown and as man pages.

The site has ``markdown("coord")``, the wheel ``man_page("coord", version)``.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING

import typer
from typer.core import TyperGroup
from typer.main import get_command

if TYPE_CHECKING:
    from typer import _click as click

APPS = {"coord": "coordinator.cli.main", "worker": "worker.cli"}
"""The module of each program, whose `app` it is."""

OF_FILTER = "coord filter "

SHARED = ("Output", "Fleet", "Run", "Display")
"""Panels that every filter has as `coord blur` has them."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command.

    Parameters
    ----------
    name, usage : str
    text : str
        Paragraphs.
    panels : mapping of str to list of (str, str)
        For each heading the names of an option, and what it does.
    end : str
        Examples and exit codes, in lines.
    """

    name: str
    usage: str
    text: str
    panels: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    end: str = ""


def manual(program: str) -> list[Command]:
    """Return a program's commands, in the order of its help."""
    root = get_command(import_module(APPS[program]).app)
    return list(_walk(root, _context(root, program)))


def _context(
    command: click.Command, name: str, parent: click.Context | None = None
) -> click.Context:
    return typer.Context(command, parent=parent, info_name=name, **command.context_settings)


def _walk(command: click.Command, context: click.Context) -> Iterator[Command]:
    yield _described(command, context)
    if isinstance(command, TyperGroup):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from _walk(below, _context(below, name, context))


def _described(command: click.Command, context: click.Context) -> Command:
    panels: dict[str, list[tuple[str, str]]] = {}
    of_filter = context.parent is not None and context.parent.info_name == "filter"
    for parameter in command.get_params(context):
        heading = getattr(parameter, "rich_help_panel", None)
        default = "Options" if parameter.param_type_name == "option" else "Arguments"
        record = parameter.get_help_record(context)
        if record and not (of_filter and heading in (*SHARED, None)):
            panels.setdefault(heading or default, []).append(
                (_names(parameter, context), record[1])
            )
    if isinstance(command, TyperGroup):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            heading = getattr(below, "rich_help_panel", None) or "Commands"
            summary = re.sub(r"\s*\.$", "", below.get_short_help_str(limit=200))
            panels.setdefault(heading, []).append((name, f"{summary}."))
    end = "" if of_filter else (command.epilog or "").replace("\b", "").replace("\\[", "[")
    return Command(
        context.command_path,
        command.get_usage(context).removeprefix("Usage: "),
        inspect.cleandoc(command.help or ""),
        panels,
        end.strip(),
    )


def _names(parameter: click.Parameter, context: click.Context) -> str:
    """Return the spellings of an option, the short one first, and the name of its value."""
    value = "" if getattr(parameter, "is_flag", False) else parameter.make_metavar(context)
    if parameter.param_type_name == "argument":
        return value
    spellings = sorted(parameter.opts, key=len) + list(parameter.secondary_opts)
    return f"{', '.join(spellings)} {value}".strip()


def markdown(program: str) -> str:
    """Return the reference page of a program."""
    first, *others = manual(program)
    return "\n".join([f"# `{program}`", "", *_section(first), *_sections(others)])


def _sections(commands: list[Command]) -> Iterator[str]:
    for command in commands:
        yield from (f"{'#' * len(command.name.split())} `{command.name}`", "")
        yield from _section(command)


def _section(command: Command) -> Iterator[str]:
    yield from ("```text", command.usage, "```", "", _escaped(command.text), "")
    if command.name.startswith(OF_FILTER):
        yield from ("And all options of [`coord blur`](#coord-blur) but those of its filter.", "")
    for heading, rows in command.panels.items():
        yield from (f"| {heading} | |", "|---|---|")
        yield from (f"| `{_cell(names)}` | {_escaped(_cell(text))} |" for names, text in rows)
        yield ""
    if command.end:
        yield from ("```text", command.end, "```", "")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _escaped(text: str) -> str:
    """Return text in which Markdown sees no markup."""
    return re.sub(r"([\[\]<>*_])", r"\\\1", text)


def man_page(program: str, version: str) -> str:
    """Return the man page of a program, in the macros of man(7); filters have their `--help`."""
    first, *others = (each for each in manual(program) if not each.name.startswith(OF_FILTER))
    summary, _, rest = first.text.partition("\n\n")
    lines = [
        f'.TH {program.upper()} 1 "" "tilefan {version}" "User Commands"',
        *(".SH NAME", rf"{program} \- {_roff(summary.removesuffix('.'))}"),
        *(".SH SYNOPSIS", f".B {_roff(first.usage)}"),
    ]
    if rest:
        lines += [".SH DESCRIPTION", _roff(rest)]
    for heading, rows in first.panels.items():
        lines += [f".SH {heading.upper()}", *_rows(rows)]
    for command in others:
        lines += [f'.SH "{command.name.upper()}"', f".B {_roff(command.usage)}", ".PP"]
        lines += [_roff(command.text)]
        for heading, rows in command.panels.items():
            lines += [f'.SS "{heading}"', *_rows(rows)]
        lines += _end(command.end.partition("Exit codes:")[0].rstrip(), ".SS")
    return "\n".join([*lines, *_end(first.end, ".SH")]) + "\n"


def _rows(rows: list[tuple[str, str]]) -> Iterator[str]:
    for names, text in rows:
        yield from (".TP", f".B {_roff(names)}", _roff(text))


def _end(text: str, macro: str) -> Iterator[str]:
    """Yield examples and exit codes, each under a heading of this macro."""
    for part in re.split(r"\n\n", text) if text else ():
        heading, _, lines = part.strip().partition("\n")
        title = heading.removesuffix(":")
        yield from (f'{macro} "{title.upper() if macro == ".SH" else title}"', ".nf")
        yield from (*(_roff(line) for line in lines.splitlines()), ".fi")


def _roff(text: str) -> str:
    """Return text as roff reads it: dashes that can be copied, no line that begins a macro."""
    escaped = text.replace("\\", r"\e").replace("-", r"\-")
    escaped = re.sub(r"\n\s*\n", "\n.PP\n", escaped)
    return re.sub(r"^(['.](?!PP$))", r"\\&\1", escaped, flags=re.MULTILINE)
