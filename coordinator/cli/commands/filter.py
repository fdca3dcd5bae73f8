"""The commands over the table of filters: `coord filter NAME`, made of its row, and the rest."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Mapping, MutableMapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from typer.main import get_command

from coordinator.cli.commands.run import run_filters
from coordinator.cli.complete import complete_modes
from coordinator.cli.fold import echo
from coordinator.cli.groups import LazyGroup, OneCommand
from coordinator.cli.options import (
    DISPLAY,
    FILTER,
    HELP_NAMES,
    RUNNING,
    SOURCE,
    command,
    epilog,
    flag,
    option,
    output,
)
from coordinator.cli.parse import integer, modes, number, numbers, sizes, yes_or_no
from tiling.filters.meanings import MEANINGS

if TYPE_CHECKING:
    from typer._click import Command, Context, Parameter

_WRITTEN = {
    "footprint": "a .npy file, or nested lists such as [[0,1],[1,1]]",
    "structure": "a .npy file, or nested lists",
    "weights": "a .npy file, or lists such as [1,2,1]",
    "mask": "a .npy file, or nested lists",
    "radius": "overrides --truncate",
    "mode": "reflect mirror nearest constant wrap",
    "brute_force": "0 or 1",
}
"""How a value is written on a command line, where its meaning does not tell."""


def _help(key: str) -> str:
    """Return the help of one of SciPy's parameters."""
    meaning = MEANINGS[key]
    written = ["one value, or one per axis"] if meaning.several else []
    written += [_WRITTEN[key]] if key in _WRITTEN else []
    words = meaning.words[0].upper() + meaning.words[1:]
    return f"{words}{': ' * bool(written)}{'; '.join(written)}."


OPTIONS: Mapping[str, str] = {
    key: _help(key)
    for key in (
        *("sigma", "order", "truncate", "radius", "size", "footprint", "structure", "weights"),
        *("rank", "percentile", "iterations", "border_value", "brute_force", "mode", "cval"),
        *("origin", "axis", "axes", "output", "mask"),
    )
}
"""The help of each of SciPy's parameters."""

NAMES = {"output": "dtype"}
"""Options with another name than SciPy's parameter."""

SINGLE = ("rank", "iterations", "axis", "border_value")
"""Parameters that are one integer."""

INTEGERS = ("order", "radius", "origin", "axes")
"""Parameters that are an integer, or one for each axis."""

METAVARS = {
    **dict.fromkeys(("footprint", "structure", "weights", "mask"), "ARRAY"),
    **dict.fromkeys(("truncate", "cval", "axis", "rank", "percentile", "iterations"), "NUMBER"),
    **dict.fromkeys(("border_value", "brute_force"), "0|1"),
    "mode": "MODES",
    "axes": "AXES",
    "output": "DTYPE",
}
"""The names of their values in the help; NUMBERS for all others."""

TYPICAL = {
    "sigma": "2",
    "percentile": "90",
    "rank": "-1",
    "size": "5",
    "weights": "weights.npy",
    "axis": "0",
    "iterations": "2",
}
"""Values of the examples, for each option that a row has."""

START, END = "<!-- filters -->", "<!-- /filters -->"
"""Between these docs/reference/filters.md holds what `markdown_table` returns."""

TILES = {
    "HALO": "halo",
    "LINES": "halo or lines",
    "REPEATED": "halo, repeated",
    "REFUSED": "refused",
}
"""Words of the table for each `tiling.filters.Exactness`."""


class Rows(LazyGroup):
    """A group with a command for each row."""

    def list_commands(self, ctx: Context) -> list[str]:  # noqa: ARG002
        """Return the names of all filters."""
        from tiling.filters import supported

        return [row.name for row in supported()]

    def get_command(self, ctx: Context, cmd_name: str) -> Command | None:
        """Make the command of a row; None if there is no such row, the reason if it is refused."""
        from tiling.filters import FILTERS, Exactness

        row = FILTERS.get(cmd_name)
        if row is None:
            return None
        if row.exactness is Exactness.REFUSED:
            ctx.fail(f"{cmd_name} is refused: {row.note}")
        return Row(cmd_name, summary=row.summary)


class Row(OneCommand):
    """The command of a filter; its row is imported when its options or its help are wanted.

    Parameters
    ----------
    row : str
        SciPy's name.
    name : str, optional
        Of the command, if it is another.
    summary : str
        For the list of commands.
    """

    def __init__(self, row: str, name: str | None = None, *, summary: str) -> None:
        super().__init__(name or row, short_help=summary, context_settings=HELP_NAMES)
        self.row = row

    def get_params(self, ctx: Context) -> list[Parameter]:
        """Return the arguments and options; Typer asks for these before anything else."""
        if not self.params:
            made = get_command(row_command(self.row))
            self.params, self.callback = made.params, made.callback
            self.help, self.epilog = made.help, made.epilog
        return super().get_params(ctx)


def row_command(name: str) -> typer.Typer:
    """Make the command of a filter, of SciPy's name."""
    own = own_parameters(name)
    typical = " ".join(f"--{key} {TYPICAL[key]}" for key in TYPICAL if key in own)
    line = f"coord filter {name} in.npy {typical}".rstrip()
    options = (parameter_option(key, default) for key, default in own.items())
    made = command(
        name,
        *(SOURCE, output(name), *options, *RUNNING),
        examples=(line, f"{line} --hosts hosts.toml --verify 2%"),
        help=described(name),
    )
    return made(partial(run_row, name))


def described(name: str) -> str:
    """Return the help of a row."""
    from tiling.filters import FILTERS

    row = FILTERS[name]
    note = f" ({row.note})" if row.note else ""
    return f"{row.summary}\n\nHalo: {row.halo}{note}. Dtypes: {row.dtypes.value}."


def parameter_option(key: str, default: Any = None) -> inspect.Parameter:
    """Return an option of text; what is required has no default."""
    as_is = default in (None, inspect.Parameter.empty)
    return option(
        FILTER,
        option_of(key),
        metavar=METAVARS.get(key, "NUMBERS"),
        help=OPTIONS[key],
        autocompletion=complete_modes if key == "mode" else None,
        default=default if as_is else str(default),
    )


def run_row(name: str, /, source: Path, **options: Any) -> None:
    """Run one filter over a file."""
    texts = texts_of(name, options)
    run_filters(lambda: [(name, parse(texts))], source, name, **options)


def texts_of(name: str, options: MutableMapping[str, Any]) -> dict[str, str | None]:
    """Take the texts of a row's parameters out of a command's options."""
    return {key: options.pop(NAMES.get(key, key)) for key in own_parameters(name)}


def own_parameters(name: str) -> dict[str, Any]:
    """Return the parameters that a row's command takes, with their defaults."""
    from tiling.filters import FILTERS

    return dict(FILTERS[name].defaults)


def parse(texts: Mapping[str, str | None]) -> dict[str, Any]:
    """Read the options of a row; one that is None is left to the row's defaults."""
    return {key: parse_one(key, text) for key, text in texts.items() if text is not None}


def parse_one(key: str, text: str) -> Any:
    """Read one option: a number, numbers, a word, words, or an array."""
    from coordinator.run.pipeline_file import ARRAYS, array_from

    option_name = option_of(key)
    if key in ARRAYS:
        return _list(key, text) if _is_list(text, option_name) else array_from(key, text, Path())
    match key:
        case "size":
            return sizes(text, option_name)
        case key if key in SINGLE:
            return integer(text, option_name)
        case key if key in INTEGERS:
            return numbers(text, int, option_name)
        case "mode":
            return modes(text)
        case "output":
            return text
        case "cval":
            return number(text, option_name)
        case "brute_force":
            return yes_or_no(text, option_name)
    return numbers(text, _whole_or_float, option_name)


def option_of(key: str) -> str:
    """Return the option of a parameter of SciPy's."""
    return f"--{NAMES.get(key, key).replace('_', '-')}"


def _whole_or_float(word: str) -> float:
    try:
        return int(word)
    except ValueError:
        return float(word)


def _is_list(text: str, option_name: str) -> bool:
    """Tell whether an array is written as nested lists; one of numbers is neither them nor a file.

    Raises
    ------
    typer.BadParameter
        If brackets are missing.
    """
    if re.fullmatch(r"[-+0-9.eE, ]+", text) and not Path(text).exists():
        raise typer.BadParameter(
            f"{text!r} is neither a .npy file nor a list, which has brackets: '[{text}]'",
            param_hint=option_name,
        )
    return text.lstrip().startswith("[")


def _list(key: str, text: str) -> Any:
    import numpy as np

    try:
        lists = json.loads(text)
        np.asarray(lists, np.complex128)  # ragged lists, and words, are an error
    except (ValueError, TypeError, RecursionError) as error:
        raise typer.BadParameter(
            f"{text!r}: not lists of numbers, each as long as the others, such as [[0,1],[1,1]]: "
            f"{error}",
            param_hint=option_of(key),
        ) from None
    return lists


@command(
    "filters",
    flag(DISPLAY, "--markdown", help="As a table in Markdown."),
    examples=("coord filters", "coord filters --markdown"),
)
def filters(markdown: bool) -> None:
    """Print the table of filters: what each reads, and why its tiles are exact."""
    from tiling.filters import FILTERS

    if markdown:
        typer.echo(markdown_table())
        return
    echo(f"{'filter':28} {'tiles':8} what a sample needs, per axis; notes")
    for row in FILTERS.values():
        note = f"; {row.note}" if row.note else ""
        echo(f"{row.name:28} {row.exactness.name.lower():8} {row.halo}{note}")


def markdown_table() -> str:
    """Return the table of the documents; rows that differ only in their names are one."""
    from tiling.filters import FILTERS

    groups: dict[tuple[str, str, str, str], list[str]] = {}
    for row in FILTERS.values():
        cells = (TILES[row.exactness.name], row.halo, row.dtypes.value, row.note)
        groups.setdefault(cells, []).append(f"`{row.name}`")
    lines = ["| filters | tiles | halo | dtypes | what holds besides |", "|---|---|---|---|---|"]
    for cells, names in groups.items():
        lines.append(f"| {' '.join(names)} | {' | '.join(cells)} |")
    return "\n".join(lines)


rows = typer.Typer(
    cls=Rows,
    name="filter",
    help="Run one filter of the table; NAME --help lists its options.",
    no_args_is_help=True,
    add_completion=False,
    epilog=epilog(),
)


@rows.callback()
def _rows() -> None:
    pass


median = Row(
    "median_filter", "median", summary="Take the median of a window: as coord filter median_filter."
)
sobel = Row("sobel", summary="Find edges along an axis: as coord filter sobel.")
