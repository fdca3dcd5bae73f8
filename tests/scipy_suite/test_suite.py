"""SciPy's own tests of `scipy.ndimage`, with our functions in place of SciPy's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.scipy_suite.deviations import DEVIATIONS, RANDOM
from tests.support.processes import WorkerProcess

ROOT = Path(__file__).parents[2]
DOCUMENTED = ROOT / "docs" / "scipy-suite.md"
MODULES = ("test_filters", "test_morphology")
FLEET_SHARE = int(os.environ.get("TILEFAN_SUITE_SHARE", "10"))
LEAST = 4000
"""Tests that SciPy 1.17 has in both modules, about."""


def outcomes(folder: Path, **environment: str) -> dict[str, Any]:
    """Run SciPy's tests in a process of their own, for they exchange SciPy's functions."""
    result = folder / "outcomes.json"
    (folder / "none.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.scipy_suite.plugin"]
    command += ["-p", "no:cacheprovider", f"--rootdir={folder}", "-c", str(folder / "none.ini")]
    command += ["--pyargs", *(f"scipy.ndimage.tests.{module}" for module in MODULES)]
    ended = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "SUITE_OUTCOMES": str(result), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.exists(), ended.stdout[-3000:] + ended.stderr[-3000:]
    found: dict[str, Any] = json.loads(result.read_text("utf-8"))
    return found


def check(found: dict[str, Any], least: int) -> None:
    """Assert that nothing failed but the deviations, and that the tests were run at all."""
    unexpected = {name: why for name, why in found["failed"].items() if name not in DEVIATIONS}
    assert not unexpected
    assert not (DEVIATIONS.keys() - RANDOM) & set(found["passed"])
    assert len(found["passed"]) > least - len(DEVIATIONS)


def test_scipys_tests_pass_here(tmp_path: Path) -> None:
    """All of them but the deviations, with tiles of 3."""
    check(outcomes(tmp_path), LEAST)


def test_scipys_tests_pass_on_workers(tmp_path: Path, two_workers: list[WorkerProcess]) -> None:
    """One in ten; `make scipy-suite` runs all."""
    hosts = ",".join(worker.address for worker in two_workers)
    found = outcomes(tmp_path, SUITE_HOSTS=hosts, SUITE_SHARE=str(FLEET_SHARE))
    check(found, LEAST * 9 // 10 // FLEET_SHARE)


@pytest.mark.parametrize("name", DEVIATIONS)
def test_deviations_are_documented(name: str) -> None:
    """With their reasons, in one table."""
    assert f"| `{name}` | {DEVIATIONS[name]} |" in DOCUMENTED.read_text("utf-8")
