"""Fixtures that every test may ask for, and how much hypothesis tries.

Examples are the same every time in CI, fresh ones elsewhere.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.support.processes import WorkerProcess, running_workers

settings.register_profile(
    "local",
    deadline=None,  # other processes share the cores: a slow example is no fault
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("ci", settings.get_profile("local"), derandomize=True, database=None)
settings.register_profile(
    "fuzz",
    settings.get_profile("local"),
    max_examples=int(os.environ.get("TILEFAN_FUZZ_BITS", "0")) or 60,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
if "TILEFAN_FUZZ_BITS" in os.environ:
    settings.load_profile("fuzz")
else:
    settings.load_profile("ci" if os.environ.get("CI") else "local")


@pytest.fixture(scope="session", autouse=True)
def _empty_configuration(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The token of the user who runs the tests is neither used nor made; nor is a cache."""
    os.environ["XDG_CONFIG_HOME"] = str(tmp_path_factory.mktemp("config"))
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def two_workers() -> Iterator[list[WorkerProcess]]:
    """Two real workers on loopback, shared by all tests that do them no harm."""
    with running_workers(2) as workers:
        yield workers
