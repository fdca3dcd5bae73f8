"""Tracebacks as a user of the API wants them: of an expected error, the line that made the call.

How we came to refuse a parameter or to lose a fleet is not in its frames but in its message; where
Ctrl-C found a run is chance. Errors that nobody expects keep their frames.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from coordinator.errors import TilefanError
from tiling.errors import TilingError

P = ParamSpec("P")
R = TypeVar("R")


def brief(function: Callable[P, R]) -> Callable[P, R]:
    """Return the same function, whose expected errors come without our frames."""

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except (TilefanError, TilingError, KeyboardInterrupt) as error:
            error.__traceback__ = None
            raise

    return call
