"""The options that several commands have, each said once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import click

from coordinator.cli.completion import edge_modes
from coordinator.cli.sections import DISPLAY, FILTER, FLEET, OUTPUT, RUN, Command, Option
from coordinator.display.listener import Style
from tiling.protocol.token import FILE_VARIABLE

FILE = click.Path(path_type=Path)


def command(
    name: str, *params: click.Parameter, examples: tuple[str, ...], **attributes: Any
) -> Callable[[Callable[..., None]], Command]:
    """Make a function a command; its docstring is the help."""

    def decorate(function: Callable[..., None]) -> Command:
        return Command(
            name,
            callback=function,
            params=list(params),
            help=function.__doc__,
            examples=examples,
            **attributes,
        )

    return decorate


def argument(name: str, metavar: str, text: str, **attributes: Any) -> click.Argument:
    """Return an argument, a path unless another type is given."""
    return click.Argument([name], metavar=metavar, help=text, **{"type": FILE, **attributes})


def option(heading: str, *names: str, **attributes: Any) -> Option:
    """Return an option under a heading."""
    return Option(names, heading=heading, **attributes)


def file_option(heading: str, *names: str, **attributes: Any) -> Option:
    """Return an option that takes a path."""
    return Option(names, heading=heading, **{"type": FILE, "metavar": "FILE", **attributes})


def flag(heading: str, *names: str, **attributes: Any) -> Option:
    """Return an option that is given or not."""
    return Option(names, heading=heading, is_flag=True, **attributes)


def hosts(text: str = "hosts.toml.", **attributes: Any) -> Option:
    """Return the option that names the fleet."""
    return file_option(FLEET, "--hosts", envvar="COORD_HOSTS", help=text, **attributes)


def output(name: str) -> Option:
    """Return the option that names the output; its default has this name."""
    text = f"Where to write; INPUT.{name}.npy unless given."
    return file_option(OUTPUT, "--output", "-o", help=text)


SOURCE = argument("source", "INPUT", "A .npy file of numbers.")
QUIET = flag(DISPLAY, "--quiet", "-q", help="Print nothing but errors.")
JSON = flag(DISPLAY, "--json", "as_json", help="Print it as one line of JSON.")
PROGRESS = option(
    DISPLAY,
    "--progress",
    type=click.Choice(get_args(Style)),
    default="auto",
    metavar="STYLE",
    help=(
        "How to show the run: auto, rich, plain, json or none; COORD_MAP=worker maps who made "
        "each tile."
    ),
)
TOKEN_FILE = file_option(
    FLEET,
    "--token-file",
    envvar=FILE_VARIABLE,
    help="File with the fleet's token; that in your configuration folder unless given.",
)

WHERE = (
    hosts("hosts.toml with the workers to use; without it, this machine's cores."),
    TOKEN_FILE,
    option(
        RUN,
        "--tile",
        metavar="SHAPE",
        help="Shape of the piece each tile owns: one size, or one per axis.",
    ),
    option(
        RUN,
        "--max-memory",
        metavar="SIZE",
        help="Of this process, such as 500MB: tiles are cut to fit.",
    ),
)
"""Where a job is computed, and in what pieces."""

RUNNING = (
    *WHERE,
    flag(
        OUTPUT,
        "--overwrite",
        help="Replace the output, and what an unfinished run left of it.",
    ),
    file_option(OUTPUT, "--report", help="Write an HTML page about the run."),
    file_option(OUTPUT, "--trace", help="Write a trace of it, for Perfetto."),
    option(
        OUTPUT,
        "--provenance/--no-provenance",
        default=None,
        envvar="COORD_PROVENANCE",
        help="Write OUTPUT.json, how the output was made; digests of large files if asked for.",
    ),
    flag(OUTPUT, "--seams", help="Mark the tiles in the report's pictures."),
    flag(FLEET, "--keep-going", help="With --hosts: when a tile fails everywhere, do the rest."),
    flag(RUN, "--resume", help="Go on with an unfinished run of the same command."),
    option(
        RUN, "--verify", metavar="SHARE", help="Check so many tiles with SciPy here, such as 2%."
    ),
    flag(RUN, "--dry-run", help="Say what it would cost, as coord plan does."),
    flag(DISPLAY, "--json", "as_json", help="With --dry-run: print it as one line of JSON."),
    PROGRESS,
    option(DISPLAY, "--notes/--no-notes", default=True, help="Say beforehand what may surprise."),
    QUIET,
)
"""What every command has that runs filters."""

GAUSSIAN = (
    option(
        FILTER,
        "--sigma",
        default="0.5",
        metavar="NUMBERS",
        help="Standard deviation in samples, or one per axis.",
    ),
    option(
        FILTER,
        "--order",
        default="0",
        metavar="NUMBERS",
        help="Derivative, or one per axis; 0 smooths.",
    ),
    option(
        FILTER,
        "--mode",
        default="reflect",
        metavar="MODES",
        shell_complete=edge_modes,
        help="Edge mode, or one per axis: reflect mirror nearest constant wrap.",
    ),
    option(FILTER, "--cval", default="0", metavar="NUMBER", help="Fill value of mode constant."),
    option(
        FILTER,
        "--truncate",
        default=4.0,
        metavar="NUMBER",
        help="Radius of the filter, in sigmas.",
    ),
    option(
        FILTER,
        "--radius",
        metavar="NUMBERS",
        help="Radius in samples, or one per axis; overrides --truncate.",
    ),
    option(FILTER, "--axes", metavar="AXES", help="Axes to filter; all unless given."),
    option(
        FILTER,
        "--dtype",
        metavar="DTYPE",
        help="Of the output, such as float32; the input's unless given.",
    ),
)
"""The parameters of `scipy.ndimage.gaussian_filter`; see `coordinator.cli.parse.gaussian`."""
