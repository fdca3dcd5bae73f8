"""What a shell may complete: edge modes, filters and the names of workers; it never fails."""

from __future__ import annotations

import os
from pathlib import Path

import click


def edge_modes(_context: click.Context, _option: click.Parameter, incomplete: str) -> list[str]:
    """Return the modes that complete a word, also after others and a comma."""
    return completed(incomplete)


def completed(incomplete: str) -> list[str]:
    """Return the lists of modes that begin so.

    >>> completed("wrap,n")
    ['wrap,nearest']
    """
    from tiling.geometry.edges import MODES

    before, comma, word = incomplete.rpartition(",")
    return [f"{before}{comma}{mode}" for mode in MODES if mode.startswith(word)]


def filter_names(_context: click.Context, _option: click.Parameter, incomplete: str) -> list[str]:
    """Return the names of filters that begin so."""
    from tiling.filters import supported

    return [row.name for row in supported() if row.name.startswith(incomplete)]


def worker_names(context: click.Context, _argument: click.Parameter, incomplete: str) -> list[str]:
    """Return the names in the hosts file that the command line, or the environment, names."""
    from coordinator.errors import TilefanError
    from coordinator.hosts.hosts_file import load_hosts

    path = context.params.get("hosts") or os.environ.get("COORD_HOSTS")
    if not path:
        return []
    try:
        hosts = load_hosts(Path(path)).hosts
    except TilefanError:
        return []
    return [host.name for host in hosts if host.name.startswith(incomplete)]
