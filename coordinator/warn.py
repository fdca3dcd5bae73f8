"""Warnings that point at the line of whoever called this package, however deep we were."""

from __future__ import annotations

import sys
import warnings

OURS = {"coordinator", "tilefan"}


def warn(warning: Warning) -> None:
    """Give a warning, as of the first frame that is none of ours."""
    frame, level = sys._getframe(1), 2
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] in OURS:
        frame, level = frame.f_back, level + 1
    warnings.warn(warning, stacklevel=level)
