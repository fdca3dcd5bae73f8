"""The options that several commands have, each defined once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from inspect import Parameter, Signature, cleandoc
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias, get_args

import typer

from coordinator.cli.complete import complete_hosts
from coordinator.cli.groups import OneCommand
from coordinator.display.listener import Style
from coordinator.errors import ExitCode
from coordinator.events import Listener
from coordinator.hosts.by_reference import ByReference
from coordinator.hosts.codec import Codec
from tiling.protocol.token import FILE_VARIABLE, TOKEN_VARIABLE

Level: TypeAlias = Literal["debug", "info", "warning", "error"]

MakeLinks: TypeAlias = Callable[[], Sequence[tuple[str, Mapping[str, Any]]]]
"""Makes the filters and their parameters; called where its errors become exit codes."""

FILTER, OUTPUT, FLEET, RUN, DISPLAY = PANELS = "Filter", "Output", "Fleet", "Run", "Display"
"""Of options, in the order of the help."""

EVENT_LOG: ContextVar[Listener | None] = ContextVar("EVENT_LOG", default=None)
"""Logs the events of a run; None unless `coordinator.cli.log` is configured."""

LONGEST_NAME = 20
"""Characters of a filter's name that fit into a column of the help at 80 columns."""

HELP_NAMES = {"help_option_names": ["-h", "--help"]}


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"coord {version('tilefan')}")
        raise typer.Exit


def _log(level: Level | None) -> None:
    if level is not None:
        from coordinator.cli.log import configure, log_event

        configure(level)
        EVENT_LOG.set(log_event)


LOG_LEVEL = Parameter(
    "log_level",
    Parameter.KEYWORD_ONLY,
    default=None,
    annotation=Annotated[
        Level | None,
        typer.Option(
            callback=_log,
            metavar="LEVEL",
            rich_help_panel=DISPLAY,
            help="Log to stderr: debug, info, warning or error.",
        ),
    ],
)

CONTEXT = Parameter("context", Parameter.KEYWORD_ONLY, annotation=typer.Context)
"""For a command that asks where its options came from."""

VERSION = Parameter(
    "version",
    Parameter.KEYWORD_ONLY,
    default=False,
    annotation=Annotated[
        bool,
        typer.Option(
            "--version", metavar="", callback=_show_version, is_eager=True, help="Show the version."
        ),
    ],
)


def command(
    name: str, *parameters: Parameter, examples: Sequence[str], **attributes: Any
) -> Callable[[Callable[..., None]], typer.Typer]:
    """Make a function a command; its docstring is the help.

    Parameters
    ----------
    name : str
    *parameters : inspect.Parameter
        Those of the command line, as `argument` and `option` make them.
    examples : sequence of str
        Whole command lines.
    **attributes
        Of `typer.Typer.command`.
    """

    def decorate(function: Callable[..., None]) -> typer.Typer:
        def call(version: bool, log_level: str | None, **values: Any) -> None:  # noqa: ARG001
            function(**values)  # the other two are done by their callbacks

        vars(call)["__signature__"] = Signature(
            [*sorted((*parameters, LOG_LEVEL), key=_place), VERSION]
        )
        call.__doc__ = reflowed(function.__doc__)
        made = typer.Typer(add_completion=False, rich_markup_mode="rich")
        made.command(
            name,
            cls=OneCommand,
            epilog=epilog(examples),
            context_settings=HELP_NAMES,
            **attributes,
        )(call)
        return made

    return decorate


def reflowed(text: str | None) -> str:
    """Return a docstring whose paragraphs are one line each, to be broken as a terminal needs."""
    paragraphs = cleandoc(text or "").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def _place(parameter: Parameter) -> int:
    """Return where a parameter's panel stands in the help; arguments come first."""
    *_, made = get_args(parameter.annotation) or [None]
    panel = getattr(made, "rich_help_panel", None)
    return PANELS.index(panel) if panel else -1


def epilog(examples: Sequence[str] = ()) -> str:
    """Return the end of a help: examples, and what the exit codes mean."""
    codes = [f"  {code.value:<5}{code.meaning}" for code in ExitCode]
    lines = ["Examples:", *(f"  {line}" for line in examples), ""] if examples else []
    return "\n".join((*lines, "Exit codes:", *codes)).replace("[", "\\[")


def argument(
    name: str,
    metavar: str,
    text: str,
    kind: Any = Path,
    complete: Any = None,
    default: Any = Parameter.empty,
) -> Parameter:
    """Return an argument: unless another kind and a default are passed, a path that is required."""
    made = typer.Argument(metavar=metavar, help=text, autocompletion=complete)
    annotation = Annotated[kind, made]
    return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def option(
    panel: str, *names: str, default: Any = None, kind: Any = str, **attributes: Any
) -> Parameter:
    """Return an option of a panel.

    Parameters
    ----------
    panel : str
        One of `PANELS`.
    *names : str
        On the command line; one without a dash is that of the function's parameter.
    default
        ``inspect.Parameter.empty`` for an option that is required.
    kind : type
        Of the value.
    **attributes
        Of `typer.Option`.
    """
    flags = [name for name in names if name.startswith("-")]
    own = [name for name in names if not name.startswith("-")]
    name = own[0] if own else flags[0].partition("/")[0].lstrip("-").replace("-", "_")
    made = typer.Option(*flags, rich_help_panel=panel, show_envvar=True, **attributes)
    value = kind | None if default is None else kind
    annotation: Any = Annotated[value, made]
    return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def file_option(panel: str, *names: str, **attributes: Any) -> Parameter:
    """Return an option that takes a path."""
    return option(panel, *names, kind=Path, metavar="FILE", **attributes)


def flag(panel: str, *names: str, **attributes: Any) -> Parameter:
    """Return an option without a value."""
    return option(panel, *names, kind=bool, metavar="", **{"default": False, **attributes})


def hosts(
    text: str = "The workers: hosts.toml, or addresses such as node1:8080,node2:8080.",
    **attributes: Any,
) -> Parameter:
    """Return the option that names the fleet."""
    return option(
        FLEET,
        "--hosts",
        metavar="HOSTS",
        envvar="TILEFAN_HOSTS",
        autocompletion=complete_hosts,
        help=text,
        **attributes,
    )


def output(name: str) -> Parameter:
    """Return the option that names the output; its default has this name."""
    text = f"Where to write; INPUT.{name}, of the same format, unless given."
    if len(name) > LONGEST_NAME:  # no room for it in a column of the help
        text = "Where to write; beside INPUT, with the filter's name, unless given."
    return file_option(OUTPUT, "--output", "-o", help=text)


ARRAY = "An array: .npy, .zarr, .tif, .h5, .nii, .fits, .png; FILE::/path of several."
SOURCE = argument("source", "INPUT", ARRAY)
QUIET = flag(DISPLAY, "--quiet", "-q", help="Print nothing but errors.")
JSON = flag(DISPLAY, "--json", "as_json", help="Print it as one line of JSON.")
PROGRESS = option(
    DISPLAY,
    "--progress",
    kind=Style,
    default="auto",
    metavar="STYLE",
    help=(
        "How to show the run: auto, rich, plain, json or none; TILEFAN_MAP=worker maps who made "
        "each tile."
    ),
)
WEB = (
    flag(DISPLAY, "--web", help="Show it on a page in the browser: the link is printed first."),
    option(
        DISPLAY,
        "--web-port",
        kind=int,
        min=0,
        max=65535,
        metavar="PORT",
        help="With --web: its port on this machine; a free one unless given.",
    ),
)
TOKEN_FILE = file_option(
    FLEET,
    "--token-file",
    help=f"File with the fleet's token. Unless given: the variable {TOKEN_VARIABLE}, the token "
    f"itself; then {FILE_VARIABLE}; then the file in your configuration folder.",
)

WHERE = (
    hosts(
        "The workers: hosts.toml, or addresses such as node1:8080,node2:8080; without it, this "
        "machine's cores."
    ),
    TOKEN_FILE,
    option(
        FLEET,
        "--engine",
        metavar="ADDRESS",
        help="A dask cluster in place of --hosts: its scheduler, dask://HOST:PORT, or tls:// as "
        "dask's configuration says.",
    ),
    option(
        FLEET,
        "--wire-codec",
        kind=Codec,
        metavar="CODEC",
        help="With --hosts: what tiles travel in: auto, none, narrow, lz4 or zstd. Unless given, "
        "what hosts.toml says, or auto.",
    ),
    option(
        FLEET,
        "--by-reference",
        kind=ByReference,
        metavar="CHOICE",
        envvar="TILEFAN_BY_REFERENCE",
        help="With --hosts or --engine: whether workers open the files themselves: auto, never or "
        "require. Unless given, what hosts.toml says, or auto.",
    ),
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
"""The options of `coordinator.workflows.run_options.Placement`."""

RUNNING = (
    *WHERE,
    file_option(
        OUTPUT,
        "--out-dir",
        help="A folder for the outputs; INPUT and any number of others, one after another.",
    ),
    flag(
        OUTPUT,
        "--overwrite",
        help="Replace the output, and what an unfinished run left of it.",
    ),
    flag(
        OUTPUT,
        "--sync/--no-sync",
        default=True,
        help="Wait until the output is on the disk, so that it outlives a power cut.",
    ),
    option(
        OUTPUT,
        "--chunks",
        metavar="SHAPE",
        help="Of a zarr output: one length, or one per axis; as the input has them unless given.",
    ),
    option(
        OUTPUT,
        "--shards",
        metavar="SHAPE",
        help="Of a zarr output: in which its chunks lie together.",
    ),
    option(
        OUTPUT,
        "--codec",
        metavar="NAME",
        help="Of a zarr output: zstd:1, gzip:5, blosc:lz4 or none; the input's unless given.",
    ),
    flag(
        OUTPUT,
        "--pyramid",
        help="Of an OME image in zarr: write its other levels too, each the mean of 2 samples.",
    ),
    file_option(OUTPUT, "--report", help="Write an HTML page about the run."),
    file_option(OUTPUT, "--trace", help="Write a trace of it, for Perfetto."),
    flag(
        OUTPUT,
        "--provenance/--no-provenance",
        default=None,
        envvar="TILEFAN_PROVENANCE",
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
    *WEB,
    flag(DISPLAY, "--notes/--no-notes", default=True, help="Say beforehand what may surprise."),
    QUIET,
)
"""The options of every command that runs filters."""
