"""The commands over the table of filters: `coord filter NAME`, made of its row, and the rest."""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from coordinator.arguments import memory, modes, number, numbers
from coordinator.cli import (
    DryRun,
    Hosts,
    KeepGoing,
    MaxMemory,
    Notes,
    Overwrite,
    Progress,
    Provenance,
    Quiet,
    Report,
    Resume,
    Seams,
    TileShape,
    TokenFile,
    Trace,
    resume_line,
)
from coordinator.cli import command_line as quoted
from coordinator.commands import planning
from coordinator.endings import exit_codes, say

_AXES = "one value, or one per axis"

OPTIONS: Mapping[str, str] = {
    "sigma": f"Standard deviation in samples: {_AXES}.",
    "order": f"Derivative; 0 smooths: {_AXES}.",
    "truncate": "Radius of the filter, in sigmas.",
    "radius": f"Radius in samples: {_AXES}; overrides --truncate.",
    "size": f"Samples in the window: {_AXES}.",
    "footprint": "The window's shape: a .npy file, or nested lists such as [[0,1],[1,1]].",
    "structure": "What is added, or fits in: a .npy file, or nested lists.",
    "weights": "A .npy file, or lists such as [1,2,1].",
    "rank": "Place among the window's sorted samples; -1 is the largest.",
    "percentile": "From 0 to 100; negative ones count from the largest.",
    "iterations": "How many times.",
    "border_value": "What lies beyond the array: 0 or 1.",
    "brute_force": "Whether all samples are looked at in each iteration: 0 or 1.",
    "mode": "Edge mode, or one per axis: reflect mirror nearest constant wrap.",
    "cval": "Fill value of mode constant.",
    "origin": f"Shift of the window: {_AXES}.",
    "axis": "The axis to filter.",
    "axes": "The axes to filter; all unless given.",
    "output": "Dtype of the output, such as float32; the input's unless given.",
    "mask": "Not supported.",
}
"""What each of SciPy's parameters means on the command line."""

NAMES = {"output": "dtype"}
"""Options with another name than SciPy's parameter."""


class Rows(TyperGroup):
    """A group with a command for each row; the rows are imported when one is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        """Return the names of all filters."""
        from tiling.filters import supported

        return [row.name for row in supported()]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Make the command of a row; None if there is no such row."""
        if cmd_name not in self.list_commands(ctx):
            return None
        return command_line(cmd_name)


def command_line(name: str) -> Any:
    """Return the command of a row as Typer makes it."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.command(name)(command_of(name))
    return typer.main.get_command(app)


def command_of(name: str) -> Callable[..., None]:
    """Return the function that runs a row's command, with the signature that Typer reads."""
    from coordinator.pipeline import parameters_of
    from tiling.filters import FILTERS

    own = {key: value for key, value in parameters_of(name).items() if key != "mask"}
    common = inspect.signature(run_filters, eval_str=True).parameters

    def command(**given: Any) -> None:
        texts = {key: given.pop(NAMES.get(key, key)) for key in own}
        run_filters(lambda: [(name, parse(texts))], **given)

    mine = [_option(key, default) for key, default in own.items()]
    shared = [value for key, value in common.items() if key != "links"]
    source = shared.pop(0)
    shown = [source, *mine, *shared]
    row = FILTERS[name]
    note = f" ({row.note})" if row.note else ""
    command.__doc__ = (
        f"{inspect.getdoc(row.call) or ''}".partition("\n")[0]
        + f"\n\nHalo: {row.halo}{note}. Dtypes: {row.dtypes.value}."
    )
    vars(command)["__signature__"] = inspect.Signature(
        [value.replace(kind=inspect.Parameter.KEYWORD_ONLY) for value in shown]
    )
    command.__annotations__ = {value.name: value.annotation for value in shown}
    return command


def _option(key: str, default: Any) -> inspect.Parameter:
    """Return an option of text; what is required has no default."""
    flag = f"--{NAMES.get(key, key).replace('_', '-')}"
    required = default is inspect.Parameter.empty
    shown = None if default is None else str(default)
    return inspect.Parameter(
        NAMES.get(key, key),
        inspect.Parameter.KEYWORD_ONLY,
        default=inspect.Parameter.empty if required else shown,
        annotation=Annotated[
            str if required else str | None, typer.Option(flag, help=OPTIONS[key])
        ],
    )


def parse(texts: Mapping[str, str | None]) -> dict[str, Any]:
    """Read the options of a row; what was not given is left to the row's defaults."""
    return {key: parse_one(key, text) for key, text in texts.items() if text is not None}


def parse_one(key: str, text: str) -> Any:
    """Read one option: a number, numbers, a word, words, or an array."""
    from coordinator.pipeline import ARRAYS, array_from

    if key in ARRAYS:
        return _list(key, text) if text.lstrip().startswith("[") else array_from(text, Path())
    match key:
        case "mode":
            return modes(text)
        case "output":
            return text
        case "cval":
            return number(text, "--cval")
        case "brute_force":
            return text.lower() in ("1", "true", "yes")
    words = [_number(key, word) for word in text.split(",")]
    return words if "," in text else words[0]


def _number(key: str, word: str) -> int | float:
    try:
        return int(word)
    except ValueError:
        pass
    try:
        return float(word)
    except ValueError:
        raise typer.BadParameter(f"{word!r} is not a number", param_hint=f"--{key}") from None


def _list(key: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise typer.BadParameter(f"not a list: {error}", param_hint=f"--{key}") from None


def run_filters(
    links: Callable[[], Sequence[tuple[str, Mapping[str, Any]]]],
    source: Annotated[Path, typer.Argument(metavar="INPUT", help="A .npy file of numbers.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Where to write; INPUT.NAME.npy unless given."),
    ] = None,
    hosts: Hosts = None,
    token_file: TokenFile = None,
    tile: TileShape = None,
    overwrite: Overwrite = False,
    resume: Resume = False,
    keep_going: KeepGoing = False,
    progress: Progress = "auto",
    notes: Notes = True,
    quiet: Quiet = False,
    max_memory: MaxMemory = None,
    report: Report = None,
    trace: Trace = None,
    provenance: Provenance = None,
    seams: Seams = False,
    dry_run: DryRun = False,
) -> None:
    """Run filters one after another over a file; what every such command has in common."""
    if dry_run:
        planning.show_plan(links, source, hosts, token_file, tile, max_memory)
        return
    with exit_codes():
        from coordinator.files import filter_chain
        from coordinator.papers import Papers

        filters = list(links())
        word = filters[0][0] if len(filters) == 1 else "run"
        filter_chain(
            filters,
            source,
            output or source.parent / f"{source.stem}.{word}.npy",
            hosts=hosts,
            token_file=token_file,
            tile=numbers(tile, int, "--tile") if tile else None,
            overwrite=overwrite,
            resume=resume,
            keep_going=keep_going,
            style="none" if quiet else progress,
            say=(lambda _: None) if quiet else say,
            again=resume_line(sys.argv),
            notes=notes and not quiet,
            max_memory_bytes=memory(max_memory, "--max-memory") if max_memory else None,
            papers=Papers(report, trace, provenance, seams, quoted(sys.argv)),
        )


def run_pipeline(
    pipeline: Annotated[Path, typer.Argument(help="A TOML file with [[filters]] tables.")],
    source: Annotated[Path, typer.Argument(metavar="INPUT", help="A .npy file of numbers.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Where to write; INPUT.run.npy unless given."),
    ] = None,
    hosts: Hosts = None,
    token_file: TokenFile = None,
    tile: TileShape = None,
    overwrite: Overwrite = False,
    resume: Resume = False,
    keep_going: KeepGoing = False,
    progress: Progress = "auto",
    notes: Notes = True,
    quiet: Quiet = False,
    max_memory: MaxMemory = None,
    report: Report = None,
    trace: Trace = None,
    provenance: Provenance = None,
    seams: Seams = False,
    dry_run: DryRun = False,
) -> None:
    """Run the filters of a pipeline one after another, in one pass over the file.

    Each [[filters]] table has SciPy's name of a filter, and its parameters:
    name = "gaussian_filter", sigma = 2. Arrays are .npy files or nested lists.
    """

    def links() -> Sequence[tuple[str, Mapping[str, Any]]]:
        from coordinator.pipeline import load_pipeline

        return load_pipeline(pipeline)

    rest = (hosts, token_file, tile, overwrite, resume, keep_going, progress, notes, quiet)
    papers = (max_memory, report, trace, provenance, seams, dry_run)
    run_filters(links, source, output, *rest, *papers)


def list_filters(
    markdown: Annotated[bool, typer.Option("--markdown", help="As the README has it.")] = False,
) -> None:
    """Print the table of filters: what each reads, and why its tiles are exact."""
    from coordinator import table
    from tiling.filters import FILTERS

    if markdown:
        typer.echo(table.markdown())
        return
    for row in FILTERS.values():
        note = f"; {row.note}" if row.note else ""
        typer.echo(f"{row.name:28} {row.exactness.name.lower():8} {row.halo}{note}")


SHORT = {"ignore_unknown_options": True, "allow_extra_args": True}
"""What a short name hands on: every word after it."""


def median(context: typer.Context) -> None:
    """Take the median of a window: short for coord filter median_filter."""
    command_line("median_filter").main(context.args, context.command_path)


def sobel(context: typer.Context) -> None:
    """Find edges along an axis: short for coord filter sobel."""
    command_line("sobel").main(context.args, context.command_path)


def register(app: typer.Typer) -> None:
    """Add these commands to the application."""
    app.command("run", no_args_is_help=True)(run_pipeline)
    app.command("filters")(list_filters)
    for command in (median, sobel):
        app.command(context_settings=SHORT, add_help_option=False)(command)
    rows = typer.Typer(
        cls=Rows,
        help="Run one filter of the table; NAME --help lists its options.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    app.add_typer(rows, name="filter")
