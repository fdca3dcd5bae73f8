"""Words that a shell offers for an option's value."""

from __future__ import annotations

from glob import escape
from pathlib import Path


def complete_modes(incomplete: str) -> list[str]:
    """Return the lists of modes that begin so.

    >>> complete_modes("wrap,n")
    ['wrap,nearest']
    """
    from tiling.geometry.edges import MODES

    before, comma, word = incomplete.rpartition(",")
    return [f"{before}{comma}{mode}" for mode in MODES if mode.startswith(word)]


def complete_hosts(incomplete: str) -> list[str]:
    """Return the TOML files whose paths begin so."""
    folder, _, start = incomplete.rpartition("/")
    found = Path(folder or ".").glob(f"{escape(start)}*.toml")
    return [f"{folder}/{path.name}" if folder else path.name for path in found]
