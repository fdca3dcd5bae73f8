"""Processes that `coord up` has started: whether they live, and how that is waited for."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

WITHIN_S = 60.0
"""Nothing that is waited for here takes so long, on any machine."""


def until(true: Callable[[], bool]) -> None:
    """Poll until something is so."""
    end = time.monotonic() + WITHIN_S
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def lives(pid: int) -> bool:
    """Tell whether a process is there, and no zombie."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
