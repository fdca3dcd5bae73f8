"""Fixtures that every test may ask for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fleet.processes import WorkerProcess, running_workers


@pytest.fixture(scope="session")
def two_workers() -> Iterator[list[WorkerProcess]]:
    """Two real workers on loopback, shared by all tests that do them no harm."""
    with running_workers(2) as workers:
        yield workers
