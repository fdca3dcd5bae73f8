"""The native kernel as it is compiled for each level of the instruction set."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tiling.kernels.native import library

EACH = [level for level in library.LEVELS if level <= library.best_level()]

each_level = pytest.mark.parametrize("level", EACH)


@contextmanager
def at_level(level: int) -> Iterator[None]:
    """Compute with the library of this level, whatever the machine has."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(library, "best_level", lambda: level)
        yield
