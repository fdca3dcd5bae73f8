"""Every row against SciPy, in bytes: tiles smaller than the halo, any edge mode, any number."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from scipy import ndimage as scipy_ndimage

from coordinator import ndimage
from tests.bits import assert_same_bits
from tests.tiling.cases import CASES, inputs, tile_of
from tiling.errors import TilingError, UnsupportedError
from tiling.filters import FILTERS, Exactness, supported

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]
KINDS = (ValueError, TypeError, RuntimeError)


def scipy_says(name: str, x: npt.NDArray[Any], parameters: dict[str, Any]) -> Any:
    """Return SciPy's result, or its error.

    Its 1-d rank filters refuse floats in foreign byte order; we do not. So it gets native ones.
    """
    if x.ndim == 1 and FILTERS[name].exactness is Exactness.HALO:
        x = x.astype(x.dtype.newbyteorder("="))
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return getattr(scipy_ndimage, name)(x, **parameters)
        except KINDS as error:
            return error


def we_say(
    name: str, x: npt.NDArray[Any], parameters: dict[str, Any], tile: tuple[int, ...]
) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return getattr(ndimage, name)(x, **parameters, tile=tile)
        except TilingError as error:
            return error


def agree(ours: Any, theirs: Any) -> None:
    """Assert the same bits, or the same kind of error."""
    if isinstance(ours, UnsupportedError) and "SciPy reads memory outside" in str(ours):
        event("SciPy reads outside")
        return
    if isinstance(theirs, Exception):
        event(type(theirs).__name__)
        kinds = [kind for kind in KINDS if isinstance(theirs, kind)]
        assert isinstance(ours, tuple(kinds)), f"SciPy says {theirs!r}, we {ours!r}"
        return
    assert not isinstance(ours, Exception), f"SciPy answers, we {ours!r}"
    assert_same_bits(ours, theirs)


def test_every_row_has_a_case() -> None:
    """A row that lands without proof would be seen here."""
    assert {row.name for row in supported()} == set(CASES)


@pytest.mark.parametrize("name", CASES)
@settings(suppress_health_check=SLOW)
@given(data=st.data())
def test_tiles_have_the_bits_of_scipy(name: str, data: st.DataObject) -> None:
    """Whatever array, parameters and tiles: the bytes are SciPy's."""
    x = data.draw(inputs(name))
    parameters = CASES[name](data.draw, x)
    tile = tile_of(data.draw, x.ndim)
    agree(we_say(name, x, parameters, tile), scipy_says(name, x, parameters))
