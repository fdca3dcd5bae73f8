"""Fixtures of the tests of kernels."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator

import pytest

from tests.support.levels import EACH, at_level
from tests.support.sanitized import FOLDER
from tiling.kernels.native import library


@pytest.fixture(params=EACH)
def each_level(request: pytest.FixtureRequest) -> Iterator[None]:
    with at_level(request.param):
        yield


@pytest.fixture(scope="session", autouse=True)
def sanitized() -> Iterator[None]:
    """Load the kernel that `make native-check` has compiled."""
    with pytest.MonkeyPatch.context() as patch:
        if folder := os.environ.get(FOLDER):
            libraries = {level: ctypes.CDLL(f"{folder}/kernel_v{level}.so") for level in EACH}
            patch.setattr(library, "load", libraries.__getitem__)
        yield
