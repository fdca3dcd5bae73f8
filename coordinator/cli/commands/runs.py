"""`coord runs`: what runs that were cut short have left."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from coordinator.cli.exit import exit_codes
from coordinator.cli.fold import echo
from coordinator.cli.options import JSON, RUN, argument, command, flag
from coordinator.text import megabytes, printable

if TYPE_CHECKING:
    from coordinator.workflows.unfinished_runs import UnfinishedRun


@command(
    "runs",
    argument("folder", "FOLDER", "Where the outputs are to be.", default=Path()),
    flag(RUN, "--remove", help="Remove what they have left; runs that go on are left alone."),
    JSON,
    examples=("coord runs", "coord runs blurred --remove"),
)
def runs(folder: Path, remove: bool, as_json: bool) -> None:
    """List the runs that were cut short in a folder; --resume goes on with one."""
    with exit_codes():
        from coordinator.workflows.unfinished_runs import remove_run, unfinished_runs

        found = unfinished_runs(folder)
        gone = [run for run in found if remove and not run.running]
        for run in gone:
            remove_run(run)
        if as_json:
            facts = [{**asdict(run), "output": str(run.output)} for run in found]
            typer.echo(json.dumps(facts))
            return
        for run in found:
            echo(_line(run, removed=run in gone))
        if not found:
            echo(f"no run was cut short in {folder.resolve()}")


def _line(run: UnfinishedRun, *, removed: bool) -> str:
    """Return what is said of a run."""
    size = f"{megabytes(run.disk_bytes)} MB on the disk"
    if run.running:
        return printable(run.trouble)
    state = f"can't be resumed: {run.trouble}" if run.trouble else "go on with --resume"
    done = f"{run.finished:,} of {run.tiles:,} tiles" if run.tiles else "no tiles"
    return printable(f"{run.output}: {done}, {size}; {'removed' if removed else state}")
