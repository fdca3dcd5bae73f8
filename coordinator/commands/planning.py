"""What `coord plan` and `--dry-run` print."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

from coordinator.arguments import memory, numbers
from coordinator.endings import exit_codes


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
        from coordinator.display import forecasts
        from coordinator.planning import plan_chain

        forecast = plan_chain(
            links(),
            source,
            hosts=hosts,
            token_file=token_file,
            tile=size,
            max_memory_bytes=limit_bytes,
        )
        if as_json:
            typer.echo(json.dumps(forecasts.to_json(forecast)))
        else:
            typer.echo("\n".join(forecasts.lines(forecast)))
