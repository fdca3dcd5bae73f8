"""The package as it is installed: with a compiler, without one, and from a wheel."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[2]

FILTERED = """
import numpy as np, warnings
from scipy.ndimage import gaussian_filter
import tilefan
from tiling.probes.select import select
x = np.random.default_rng(0).random((40, 50), np.float32)
warnings.simplefilter("ignore")
assert tilefan.gaussian_filter(x, 2).tobytes() == gaussian_filter(x, 2).tobytes()
print(tilefan.__file__)
print(select().name)
print(select().note)
"""


def build(folder: Path, **environment: str) -> Path:
    """Build a wheel of a copy: the libraries of this tree are in use."""
    copy = folder / "copy"
    ignored = shutil.ignore_patterns(".*", "*.so", "dist", "build", "__pycache__", "tests")
    shutil.copytree(ROOT, copy, ignore=ignored)
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", str(folder)]
    subprocess.run([*command, str(copy)], env=os.environ | environment, check=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


def said_by(wheel: Path, folder: Path) -> list[str]:
    """Install a wheel into a new environment, and filter there."""
    environment = folder / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    python = environment / "bin" / "python"
    command = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps"]
    subprocess.run([*command, str(wheel)], check=True)
    (packages,) = environment.glob("lib/python*/site-packages")
    # What it depends on is here already; what a path file adds has no path files of its own.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    done = subprocess.run(
        [str(python), "-c", FILTERED], cwd=folder, capture_output=True, text=True, check=True
    )
    where, *said = done.stdout.splitlines()
    assert where.startswith(str(packages))
    return said


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler here")
def test_a_wheel_has_the_native_kernel_and_the_manuals(tmp_path: Path) -> None:
    """There is no Python in the kernel: one wheel serves every Python 3 of this system."""
    wheel = build(tmp_path)
    assert "-py3-none-linux_" in wheel.name
    typed = {"tilefan/py.typed", "tilefan/ndimage.pyi", "coordinator/api/methods.pyi"}
    assert typed <= set(ZipFile(wheel).namelist())
    assert said_by(wheel, tmp_path) == ["native", ""]
    manuals = tmp_path / "environment" / "share" / "man" / "man1"
    assert {path.name for path in manuals.iterdir()} == {"coord.1", "worker.1"}


def test_without_a_compiler_scipy_serves(tmp_path: Path) -> None:
    """Installation succeeds, the bits are the same, and one note says why it is slow."""
    wheel = build(tmp_path, CC="false")
    assert wheel.name.endswith("-py3-none-any.whl")
    name, note = said_by(wheel, tmp_path)
    assert name == "reference"
    assert "was not built" in note
