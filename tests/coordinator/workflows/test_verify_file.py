"""A finished file checked against an input that is not the one it was made from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.coordinator.cli.test_cli import coord


@pytest.mark.parametrize("shape", [(30, 20), (20, 30)])
def test_another_dataset_of_the_same_file(tmp_path: Path, shape: tuple[int, int]) -> None:
    """The user is told which array it was made from; SciPy's equality is not in doubt."""
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "two.h5", "w") as file:
        file["a"] = np.random.default_rng(1).random((30, 20))
        file["b"] = np.random.default_rng(2).random(shape)
    made = coord(tmp_path, "median", "two.h5::/a", "--size", "3", "-o", "m.npy", "--provenance")
    assert made.returncode == 0, made.stderr
    assert coord(tmp_path, "verify", "m.npy", "two.h5::a").returncode == 0
    wrong = coord(tmp_path, "verify", "m.npy", "two.h5::/b")
    assert (wrong.returncode, wrong.stderr.splitlines()[-1]) == (
        2,
        "coord: m.npy was made from two.h5::/a, not two.h5::/b: name that array",
    )
