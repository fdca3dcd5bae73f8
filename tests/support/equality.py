"""Equality as this project means it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def assert_same_bits(got: npt.NDArray[Any], want: npt.NDArray[Any]) -> None:
    """Assert that dtype, shape and every byte are equal; say where the first difference is."""
    assert got.dtype == want.dtype, f"dtype {got.dtype}, want {want.dtype}"
    assert got.shape == want.shape, f"shape {got.shape}, want {want.shape}"
    if got.tobytes() == want.tobytes():
        return
    width = max(got.dtype.itemsize, 1)
    ours = np.frombuffer(got.tobytes(), np.uint8).reshape(-1, width)
    theirs = np.frombuffer(want.tobytes(), np.uint8).reshape(-1, width)
    differs = np.flatnonzero((ours != theirs).any(axis=1))
    where = np.unravel_index(differs[0], got.shape)
    message = f"{differs.size} of {got.size} differ, first at {tuple(map(int, where))}"
    raise AssertionError(f"{message}: {got[where]!r}, want {want[where]!r}")
