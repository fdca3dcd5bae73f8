"""The command `coord`: a table of commands, each imported when it is asked for.

Heavy imports (NumPy, SciPy, rich) wait until a command needs them, so that help is quick.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import MutableMapping
from contextlib import suppress
from typing import Annotated, Any, get_args

import typer

from coordinator.cli.exit import DEBUG, say, show_warning
from coordinator.cli.fold import folded_errors
from coordinator.cli.groups import LazyGroup
from coordinator.cli.options import HELP_NAMES, VERSION, epilog
from coordinator.errors import ExitCode

OLD_PREFIX, PREFIX = "COORD_", "TILEFAN_"
"""Of environment variables: what they once began with, and do now."""

RENAMED = ("HOSTS", "PROVENANCE", "MAP", "DEBUG")
"""Variables that once had the old prefix."""

COMPLETE = "_COORD_COMPLETE"
"""Asks for a completion; `coord completion` prints scripts that set it."""

PLACES = {
    "Filter": {
        "blur": "coordinator.cli.commands.run:blur",
        "median": "coordinator.cli.commands.filter:median",
        "sobel": "coordinator.cli.commands.filter:sobel",
        "filter": "coordinator.cli.commands.filter:rows",
        "run": "coordinator.cli.commands.run:run",
        "filters": "coordinator.cli.commands.filter:filters",
        "plan": "coordinator.cli.commands.plan:plan",
    },
    "Look at arrays": {
        "info": "coordinator.cli.commands.arrays:info",
        "runs": "coordinator.cli.commands.runs:runs",
        "verify": "coordinator.cli.commands.verify:verify",
        "diff": "coordinator.cli.commands.arrays:diff",
        "show": "coordinator.cli.commands.arrays:show",
        "preview": "coordinator.cli.commands.arrays:preview",
    },
    "Look after the fleet": {
        "up": "coordinator.cli.commands.up:up",
        "down": "coordinator.cli.commands.up:down",
        "hosts": "coordinator.cli.commands.fleet:hosts",
        "doctor": "coordinator.cli.commands.fleet:doctor",
        "pair": "coordinator.cli.commands.token:pair",
        "token": "coordinator.cli.commands.token:token",
        "demo": "coordinator.cli.commands.fleet:demo",
        "config": "coordinator.cli.commands.fleet:config",
        "completion": "coordinator.cli.commands.completion:completion",
    },
}


ALIASES = {
    **{word: f"--{word}" for word in ("help", "version")},
    **dict.fromkeys(("gauss", "gaussian", "smooth"), "blur"),
    **dict.fromkeys(("status", "workers", "fleet"), "hosts"),
    **dict.fromkeys(("compare", "cmp"), "diff"),
    **dict.fromkeys(("start", "launch"), "up"),
    **dict.fromkeys(("stop", "shutdown"), "down"),
    "worker": "worker, a command of its own",
    "list": "filters",
    "check": "verify or doctor",
}
"""What people write for a command, and what they mean."""


class Commands(LazyGroup):
    """The group of all commands."""

    places = PLACES
    elsewhere = "filter"
    aliases = ALIASES

    def make_context(self, *args: Any, **named: Any) -> Any:
        """Parse what comes before the command."""
        with folded_errors():
            return super().make_context(*args, **named)

    def invoke(self, ctx: Any) -> Any:
        """Parse the rest, and run the command."""
        with folded_errors():
            return super().invoke(ctx)

    def main(self, *args: Any, **named: Any) -> Any:
        """Run a command line, or complete it for a shell."""
        if COMPLETE in os.environ:
            from typer._completion_classes import completion_init

            completion_init()
        try:
            return super().main(*args, **named)
        except SystemExit as end:
            if isinstance(end.__context__, BrokenPipeError):  # as in: coord filters | head -1
                sys.exit(ExitCode.STORE)
            raise


app = typer.Typer(
    cls=Commands,
    name="coord",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    epilog=epilog(),
    context_settings=HELP_NAMES,
)


@app.callback()
def coord(
    debug: Annotated[
        bool,
        typer.Option(
            "--debug", metavar="", envvar="TILEFAN_DEBUG", help="Show errors with their traceback."
        ),
    ] = False,
    version: Annotated[  # noqa: ARG001 - its callback has shown it
        bool, get_args(VERSION.annotation)[1]
    ] = False,
) -> None:
    """Filter arrays on many machines, bit for bit as scipy.ndimage does on one."""
    DEBUG.set(debug)


def main() -> None:
    """Run the command line."""
    # As NumPy is imported OpenBLAS starts a thread per core, which would spin for 60 ms. They may
    # sleep at once; their number stays as it is, for bits may depend on it.
    os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "4")
    warnings.showwarning = show_warning
    heed_old_variables(os.environ)
    try:
        app()
    except SystemExit as end:
        leave(end.code)
        raise
    except OSError as error:  # of stdout, or of a name that can't be looked at
        say(f"{error.filename or 'standard output'}: {error.strerror}")
        leave(ExitCode.STORE)


def heed_old_variables(environ: MutableMapping[str, str]) -> None:
    """Give each variable under its old name the new one, unless that is set, and say so."""
    for name in RENAMED:
        old, new = OLD_PREFIX + name, PREFIX + name
        if old in environ and new not in environ:
            environ[new] = environ[old]
            if COMPLETE not in environ:
                say(f"{old} still works; its name is now {new}")


def leave(code: object) -> None:
    """Exit at once: every file is closed by now, and taking down the interpreter takes 10 ms."""
    if isinstance(code, int):
        number = int(code)
        try:
            sys.stdout.flush()
        except OSError as error:
            if not isinstance(error, BrokenPipeError):
                say(f"standard output: {error.strerror}")
            number = int(ExitCode.STORE)
        with suppress(OSError):
            sys.stderr.flush()
        os._exit(number)
