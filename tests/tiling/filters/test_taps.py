"""Taps of Gaussians, against SciPy's own (private) function."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage._filters import _gaussian_kernel1d

from tests.support.equality import assert_same_bits
from tiling.filters.taps import gaussian_taps

KINDS = [int, float, np.float64, np.float32, np.float16, np.longdouble, np.int8, np.uint16]


def same_taps(sigma: Any, order: int, radius: int) -> None:
    """Compare as `correlate1d` gets them: reversed, and cast to float64."""
    with np.errstate(all="ignore"):
        want = np.asarray(_gaussian_kernel1d(sigma, order, radius)[::-1], np.float64)
        assert_same_bits(gaussian_taps(sigma, order, radius), want)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("order", range(7))
@pytest.mark.parametrize(("sigma", "radius"), [(1, 0), (1, 4), (2.5, 10), (7.3, 30), (0.3, 2)])
def test_types_of_sigma(kind: Any, order: int, sigma: float, radius: int) -> None:
    """SciPy squares sigma in its own type, and so do we."""
    same_taps(kind(max(sigma, 1) if kind(sigma) == 0 else sigma), order, radius)


@given(
    st.floats(1e-15, 1e6, exclude_min=True),
    st.integers(0, 8),
    st.integers(0, 300),
    st.sampled_from([float, np.float32, np.longdouble]),
)
def test_any_sigma(sigma: float, order: int, radius: int, kind: Any) -> None:
    """Any sigma, order and radius."""
    same_taps(kind(sigma), order, radius)


@pytest.mark.parametrize("sigma", [Fraction(3, 2), True, np.array(1.5)], ids=repr)
def test_odd_types_of_sigma(sigma: Any) -> None:
    """Whatever has arithmetic."""
    same_taps(sigma, 0, 5)


def test_taps_can_be_sent() -> None:
    """They are contiguous once copied, finite, and add up to one."""
    taps = gaussian_taps(3.0, 0, 12)
    assert taps.shape == (25,)
    assert np.isfinite(taps).all()
    assert abs(taps.sum() - 1) < 1e-15
