"""Fixtures of the tests of kernels."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.levels import EACH, at_level


@pytest.fixture(params=EACH)
def each_level(request: pytest.FixtureRequest) -> Iterator[None]:
    with at_level(request.param):
        yield
