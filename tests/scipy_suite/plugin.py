"""A pytest plugin with which SciPy's own tests call our functions in place of SciPy's.

The functions are exchanged before SciPy's tests are imported, for these bind them when they are.
What our kernels call, and what SciPy calls inside, stays SciPy's. Environment: ``SUITE_OUTCOMES``
names the file that receives the outcomes, as JSON; ``SUITE_HOSTS`` a fleet, if there is one;
``SUITE_SHARE`` is n to run one test in n.
"""

from __future__ import annotations

import functools
import json
import os
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.ndimage
from scipy._lib import _array_api

from coordinator import Fleet
from coordinator import ndimage as local
from tiling.filters import FILTERS, Exactness

TILE = 3
"""Samples along each axis: nearly every tile of SciPy's small arrays has neighbours."""

MOST = 16
"""Tiles along an axis: a few of SciPy's arrays are large."""

failed: dict[str, str] = {}
passed: list[str] = []


def exchanged(theirs: Callable[..., Any], ours: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that is ours for everybody but our kernels."""

    @functools.wraps(theirs)
    def call(*args: Any, **kwargs: Any) -> Any:
        caller = sys._getframe(1).f_globals.get("__name__", "")
        return (theirs if caller.startswith("tiling.") else ours)(*args, **kwargs)

    table: Any = _array_api.xp_capabilities_table
    if theirs in table:
        table[call] = table[theirs]
    return call


def tiled(ours: Callable[..., Any]) -> Callable[..., Any]:
    """Return one of our functions with small tiles."""

    def call(*args: Any, **kwargs: Any) -> Any:
        shape = np.shape(args[0] if args else kwargs["input"])
        return ours(*args, tile=[max(TILE, length // MOST) for length in shape], **kwargs)

    return call


def pytest_configure() -> None:
    """Exchange the functions; those that call a function of the test's are SciPy's on a fleet."""
    hosts = os.environ.get("SUITE_HOSTS")
    source: Any = Fleet(hosts.split(",")) if hosts else local
    for name, row in FILTERS.items():
        refused = row.exactness is Exactness.REFUSED
        ours = getattr(local if refused else source, name)
        theirs = getattr(scipy.ndimage, name)
        setattr(scipy.ndimage, name, exchanged(theirs, ours if refused else tiled(ours)))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep one test in so many, the same in every run."""
    share = int(os.environ.get("SUITE_SHARE", "1"))
    items[:] = [item for item in items if zlib.crc32(item.name.encode()) % share == 0]


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Remember the outcome of each test."""
    name = report.nodeid.rpartition("::")[2] if "[" not in report.nodeid else _name(report.nodeid)
    if report.failed:
        failed[name] = str(report.longreprtext).strip()[-600:]
    elif report.when == "call" and report.passed:
        passed.append(name)


def _name(node: str) -> str:
    """Return a test's name with its parameters, in which there may be colons."""
    before, bracket, parameters = node.partition("[")
    return before.rpartition("::")[2] + bracket + parameters


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write them down, once."""
    if not hasattr(session.config, "workerinput"):
        outcomes = {"failed": failed, "passed": passed}
        Path(os.environ["SUITE_OUTCOMES"]).write_text(json.dumps(outcomes), "utf-8")
