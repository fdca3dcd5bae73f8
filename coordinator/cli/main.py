"""The command `coord`: a table of commands, each imported when it is asked for.

Heavy imports (NumPy, asyncio, rich) wait until a command needs them, so that help is quick.
"""

from __future__ import annotations

import gc
import os
import sys
import warnings
from contextlib import suppress

import click

from coordinator.cli.exit import DEBUG, show_warning
from coordinator.cli.sections import Commands, Option

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
        "verify": "coordinator.cli.commands.verify:verify",
        "diff": "coordinator.cli.commands.arrays:diff",
        "show": "coordinator.cli.commands.arrays:show",
        "preview": "coordinator.cli.commands.arrays:preview",
    },
    "Look after the fleet": {
        "hosts": "coordinator.cli.commands.fleet:hosts",
        "doctor": "coordinator.cli.commands.fleet:doctor",
        "demo": "coordinator.cli.commands.fleet:demo",
        "config": "coordinator.cli.commands.fleet:config",
        "completion": "coordinator.cli.commands.shells:completion",
    },
}


@click.command(
    "coord",
    cls=Commands,
    places=PLACES,
    no_args_is_help=True,
)
@click.option(
    "--debug",
    cls=Option,
    is_flag=True,
    envvar="COORD_DEBUG",
    help="Show errors with their traceback.",
)
def app(debug: bool) -> None:
    """Filter arrays on many machines, bit for bit as scipy.ndimage does on one."""
    DEBUG.set(debug)


def main() -> None:
    """Run the command line."""
    # As NumPy is imported OpenBLAS starts a thread per core, which would spin for 60 ms. They may
    # sleep at once; their number stays as it is, for bits may depend on it.
    os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "4")
    # Imports make many objects and no garbage: to look for it every 700 objects takes 10 ms.
    gc.set_threshold(10_000)
    warnings.showwarning = show_warning
    try:
        app()
    except SystemExit as end:
        leave(end.code)
        raise


def leave(code: object) -> None:
    """Exit at once: every file is closed by now, and taking down the interpreter takes 10 ms."""
    if isinstance(code, int):
        with suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
