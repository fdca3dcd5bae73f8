"""Disks that are full, small or not to be written: exit 7, and never a file at the final path."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from tests.support.coordinators import coord, tiles_in
from tests.support.equality import assert_same_bits

SIDE = 350  # 980 kB


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    np.save(tmp_path / "in.npy", np.random.default_rng(3).random((SIDE, SIDE)))
    return tmp_path


@contextmanager
def small_disk(at: Path, size: str) -> Iterator[None]:
    """Mount a file system of this size; without the right to, skip: other tests fake one."""
    at.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(at)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", str(at)], check=True)


def test_no_room_for_the_output(folder: Path) -> None:
    """It is found out before the first tile, and nothing is left."""
    with small_disk(folder / "disk", "500k"):
        code, said = coord(folder, "blur", "in.npy", "-o", "disk/out.npy")
        assert (code, list((folder / "disk").iterdir())) == (7, [])
        assert (
            "coord: disk/out.npy: can't be written: No space left on device; it takes 1.0 MB"
            in said
        )


def test_a_forecast_without_room_for_the_output(folder: Path) -> None:
    """Tiles are computed beforehand into memory: a map of a full disk is a signal that kills."""
    with small_disk(folder / "disk", "500k"):
        code, said = coord(folder, "blur", "in.npy", "-o", "disk/out.npy", "--dry-run")
        assert (code, list((folder / "disk").iterdir())) == (0, []), said


def test_no_room_for_the_journal(folder: Path) -> None:
    """Half-way through it is full: what is finished is kept, and goes on once there is room."""
    with small_disk(folder / "disk", "1000k"):
        target = folder / "disk" / "out.npy"
        code, said = coord(folder, "blur", "in.npy", "-o", "disk/out.npy", "--tile", "10")
        kept = tiles_in(target)
        assert (code, 0 < kept < 1225, target.exists()) == (7, True, False), said
        assert "its journal can't be written: No space left on device" in said
        assert f"{kept} of 1225 tiles are kept" in said
        more = ["mount", "-o", "remount,size=2m", str(folder / "disk")]
        subprocess.run(more, check=True)
        code, said = coord(folder, "blur", "in.npy", "-o", "disk/out.npy", "--resume")
        assert (code, f"{kept:,} tiles kept" in said) == (0, True), said
        assert_same_bits(np.load(target), gaussian_filter(np.load(folder / "in.npy"), 0.5))


def test_a_limit_on_file_sizes(folder: Path) -> None:
    """The shell's ulimit is a full disk too, and needs no rights to set up."""
    command = f"ulimit -f 200; exec {sys.executable} -m coordinator blur in.npy -o out.npy"
    done = subprocess.run(
        ["sh", "-c", command], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 7
    assert done.stderr.endswith("coord: out.npy: can't be written: File too large\n")
    assert list(folder.iterdir()) == [folder / "in.npy"]


@pytest.mark.parametrize("place", ["/proc", "/sys"])
def test_a_folder_that_nobody_may_write_to(folder: Path, place: str) -> None:
    """Not even root: exit 7, and the system's own words."""
    code, said = coord(folder, "blur", "in.npy", "-o", f"{place}/out.npy")
    assert code == 7
    assert f"coord: {place}/out.npy: can't be written: " in said
