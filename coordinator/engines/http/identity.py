"""A worker's identity as its health tells it, cut short and made inert."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from coordinator.text import inert

KEYS: Final = ("version", "kernel", "cpu", "machine", "python", "numpy", "scipy")


LONGEST: Final = 80  # characters of each


def about(health: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return names and words of what a worker's health says it is.

    Examples
    --------
    >>> about({"version": "0.1.0", "kernel": "compiled", "pid": 7})
    (('version', '0.1.0'), ('kernel', 'compiled'))
    """
    return tuple((key, inert(str(health[key]))[:LONGEST]) for key in KEYS if key in health)
