"""Shell completion: of edge modes, filters and the names of workers; it never fails."""

from __future__ import annotations

import os
from pathlib import Path

import typer


def complete_modes(incomplete: str) -> list[str]:
    """Return the lists of modes that begin so.

    >>> complete_modes("wrap,n")
    ['wrap,nearest']
    """
    from tiling.geometry.edges import MODES

    before, comma, word = incomplete.rpartition(",")
    return [f"{before}{comma}{mode}" for mode in MODES if mode.startswith(word)]


def complete_filters(incomplete: str) -> list[str]:
    """Return the names of filters that begin so."""
    from tiling.filters import supported

    return [row.name for row in supported() if row.name.startswith(incomplete)]


def complete_workers(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the names in the hosts file that the command line, or the environment, names."""
    from coordinator.errors import TilefanError
    from coordinator.hosts.hosts_file import load_hosts

    path = ctx.params.get("hosts") or os.environ.get("COORD_HOSTS")
    if not path:
        return []
    try:
        hosts = load_hosts(Path(path)).hosts
    except TilefanError:
        return []
    return [host.name for host in hosts if host.name.startswith(incomplete)]
