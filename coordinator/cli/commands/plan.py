"""The command `coord plan`, which is also ``--dry-run``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import typer

from coordinator.cli.exit import exit_codes, say
from coordinator.cli.fold import echo
from coordinator.cli.gaussian import GAUSSIAN
from coordinator.cli.options import JSON, SOURCE, WHERE, MakeLinks, command
from coordinator.cli.parse import gaussian, placement


@command(
    "plan",
    SOURCE,
    *GAUSSIAN,
    *WHERE,
    JSON,
    examples=(
        "coord plan in.npy --sigma 8",
        "coord plan in.npy --sigma 8 --hosts hosts.toml --max-memory 500MB --json",
        "coord filter median_filter in.npy --size 5 --dry-run",
    ),
)
def plan(source: Path, as_json: bool, **options: Any) -> None:
    """Say what a blur would cost, and whether sending it is worth it; nothing is left behind.

    Workers are greeted and each filters one block, then a few of them filter some tiles together,
    so that their speed is measured. The time is that of a whole `coord blur`: from its start until
    it ends, with the output on the disk. Exits with 3 if no worker can be used.
    """
    links = [("gaussian_filter", gaussian(options))]
    show_plan(lambda: links, source, placement(options), as_json=as_json)


def show_plan(
    make_links: MakeLinks,
    source: Path,
    where: Mapping[str, Any],
    *,
    as_json: bool,
    output: Path | None = None,
    storing: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    """Print the forecast of a run on stdout.

    Parameters
    ----------
    make_links : callable
        Makes the filters and their parameters.
    source : Path
    where : mapping
        Of `coordinator.workflows.run_options.Placement`.
    as_json : bool
    output : Path, optional
        One beside the input unless given.
    storing : mapping
        Of `coordinator.stores.storing.Storing`.
    """
    with exit_codes():
        from coordinator.cli import render_forecast
        from coordinator.errors import NoWorkerError
        from coordinator.machine import process_age_s
        from coordinator.workflows.plan_file import plan_chain
        from coordinator.workflows.run_options import Placement, Storing

        fleet = where["hosts"] is not None or where["engine"] is not None
        if fleet and not as_json:
            say("measuring what some tiles take here and at the workers")
        stored, age_s = Storing(**storing), process_age_s()
        forecast = plan_chain(make_links(), source, Placement(**where), age_s, output, stored)
        if as_json:
            typer.echo(json.dumps(render_forecast.to_json(forecast)))
        else:
            echo("\n".join(render_forecast.lines(forecast)))
        if fleet and all(share.trouble for share in forecast.shares):
            hint = "" if where["engine"] else "; coord doctor says what to do"
            raise NoWorkerError(f"no usable worker{hint}")
