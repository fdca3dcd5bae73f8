"""What `coord plan` and `--dry-run` print."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

from coordinator.cli.exit import exit_codes
from coordinator.cli.options import GAUSSIAN, JSON, SOURCE, WHERE, command
from coordinator.cli.parse import gaussian, memory, numbers


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
def plan(
    source: Path,
    hosts: Path | None,
    token_file: Path | None,
    tile: str | None,
    max_memory: str | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Say what a blur would cost, and whether sending it is worth it; nothing is written.

    Workers are greeted and each filters one block, so that its speed is measured.
    """
    links = [("gaussian_filter", gaussian(given))]
    where = hosts, token_file, tile, max_memory
    show_plan(lambda: links, source, *where, as_json=as_json)


def show_plan(
    links: Callable[[], Sequence[tuple[str, Mapping[str, Any]]]],
    source: Path,
    hosts: Path | None,
    token_file: Path | None,
    tile: str | None,
    max_memory: str | None,
    *,
    as_json: bool = False,
) -> None:
    """Print the forecast of a run on stdout."""
    size = numbers(tile, int, "--tile") if tile else None
    limit_bytes = memory(max_memory, "--max-memory") if max_memory else None
    with exit_codes():
        from coordinator.cli import render_forecast
        from coordinator.workflows.plan_file import plan_chain

        forecast = plan_chain(
            links(),
            source,
            hosts=hosts,
            token_file=token_file,
            tile=size,
            max_memory_bytes=limit_bytes,
        )
        if as_json:
            typer.echo(json.dumps(render_forecast.to_json(forecast)))
        else:
            typer.echo("\n".join(render_forecast.lines(forecast)))
