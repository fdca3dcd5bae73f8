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

from coordinator.commands.sections import Commands, Option
from coordinator.endings import DEBUG, show_warning

PLACES = {
    "Filter": {
        "blur": "coordinator.commands.running:blur",
        "median": "coordinator.commands.rows:median",
        "sobel": "coordinator.commands.rows:sobel",
        "filter": "coordinator.commands.rows:rows",
        "run": "coordinator.commands.running:run",
        "filters": "coordinator.commands.rows:filters",
        "plan": "coordinator.commands.planning:plan",
    },
    "Look at arrays": {
        "verify": "coordinator.commands.verifying:verify",
        "diff": "coordinator.commands.arrays:diff",
        "show": "coordinator.commands.arrays:show",
        "preview": "coordinator.commands.arrays:preview",
    },
    "Look after the fleet": {
        "hosts": "coordinator.commands.fleet:hosts",
        "doctor": "coordinator.commands.fleet:doctor",
        "demo": "coordinator.commands.fleet:demo",
        "config": "coordinator.commands.fleet:config",
        "completion": "coordinator.commands.shells:completion",
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
