"""The stubs: what is committed is what the table gives, and type checkers understand it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.tilefan.make_stubs import ROOT, TARGETS

USES = """
import numpy as np
import coordinator.ndimage
import tilefan
from tilefan import Fleet, ndimage

x = np.zeros((4, 4))
ndimage.gaussian_filter(x, sigma=[1, 2], mode=("wrap", "nearest"), output=np.float32, tile=2)
ndimage.gaussian_filter([[1, 2]], np.array([1, 2]), output="f4", cval=1j, axes=0)
ndimage.gaussian_laplace(x, 2.5, truncate=3, radius=(4, 5))
ndimage.median_filter(x, footprint=np.ones((3, 3)), output=x, origin=[0, 1])
ndimage.generic_filter(x, np.sum, size=3)
y: np.ndarray = ndimage.run([("sobel", {"axis": 0})], x)
ndimage.nonsense(x)  # attr-defined
y = coordinator.ndimage.sobel(x, axis=0)
coordinator.ndimage.sobel(x, axle=0)  # call-arg
ndimage.gaussian_filter(x)  # call-arg
ndimage.gaussian_filter(x, "2")  # arg-type
ndimage.gaussian_filter(x, 2, sise=3)  # call-arg
ndimage.gaussian_filter(x, 2, mode="warp")  # arg-type
ndimage.median_filter(x, 3, mode=["wrap", "wrap"])  # arg-type
ndimage.uniform_filter1d(x, (3, 3))  # arg-type
tilefan.nonsense  # attr-defined
with Fleet("node1:8080,node2:8080") as fleet, tilefan.as_scipy(fleet):
    y = fleet.rank_filter(x, rank=-1, size=(3, 3))
    fleet.rank_filter(x, size=3)  # call-arg
    fleet.nonsense(x)  # attr-defined
    fleet.generic_filter(x, np.sum, size=3)  # attr-defined
try:
    tilefan.as_scipy(3)  # arg-type
except (tilefan.NoWorkerError, tilefan.TilingError) as error:
    print(error, tilefan.__version__)
"""


@pytest.mark.parametrize(
    ("path", "make"), [pytest.param(*each, id=each[0].name) for each in TARGETS.items()]
)
def test_the_stubs_are_up_to_date(path: Path, make: Callable[[], str]) -> None:
    """If this fails, run ``make stubs``."""
    assert path.read_text("utf-8") == make()


@pytest.mark.skipif(find_spec("mypy") is None, reason="mypy is not installed here")
def test_a_type_checker_knows_every_parameter(tmp_path: Path) -> None:
    """Each use that has the name of an error beside it is one, and no other is."""
    uses = tmp_path / "uses.py"
    uses.write_text(USES)
    command = [sys.executable, "-m", "mypy", str(uses)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    told = re.findall(r"uses\.py:(\d+): error: .*\[([\w-]+)\]", done.stdout)
    lines = enumerate(USES.splitlines(), 1)
    assert told == [(f"{n}", line.split("# ")[1]) for n, line in lines if "# " in line], done.stdout
