"""Parameters mean what they mean to SciPy, and what SciPy refuses is refused alike."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

import coordinator
from tests.support.equality import assert_same_bits
from tiling.errors import BadTypeError, BadValueError, TilingError, UnsupportedError
from tiling.filters import FILTERS, gaussian_filter
from tiling.geometry.edges import MODES
from tiling.operations.fields import MAX_TAPS

X = np.arange(12.0).reshape(3, 4)
C = X + 1j
F2 = X.astype(np.float16)

REFUSED: dict[str, tuple[Any, dict[str, Any]]] = {
    "sigma None": (X, {"sigma": None}),
    "sigma text": (X, {"sigma": "1"}),
    "sigma complex": (X, {"sigma": 1j}),
    "sigma an object": (X, {"sigma": object()}),
    "sigma Decimal": (X, {"sigma": Decimal(1)}),
    "sigmas too many": (X, {"sigma": (1, 2, 3)}),
    "sigmas too few": (X, {"sigma": [1]}),
    "sigmas none": (X, {"sigma": ()}),
    "sigmas nested": (X, {"sigma": [[1], [2]]}),
    "sigmas with None": (X, {"sigma": (1, None)}),
    "order -1": (X, {"order": -1}),
    "order -1 second": (X, {"order": (0, -1)}),
    "order 1.0": (X, {"order": 1.0}),
    "order 0.5": (X, {"order": 0.5}),
    "order text": (X, {"order": "1"}),
    "order None": (X, {"order": None}),
    "order True": (X, {"order": True}),
    "order complex": (X, {"order": 1j}),
    "orders too many": (X, {"order": (0, 1, 2)}),
    "mode unknown": (X, {"mode": "symmetric"}),
    "mode unknown second": (X, {"mode": ("wrap", "x")}),
    "mode None": (X, {"mode": None}),
    "mode a number": (X, {"mode": 1}),
    "mode bytes": (X, {"mode": b"wrap"}),
    "mode nested": (X, {"mode": [["wrap"], "wrap"]}),
    "modes too many": (X, {"mode": ("wrap",) * 3}),
    "cval text": (X, {"cval": "1"}),
    "cval None": (X, {"cval": None}),
    "cval complex of reals": (X, {"cval": 1j}),
    "cval a list": (X, {"cval": [1, 2]}),
    "cval None of complex": (C, {"cval": None}),
    "cval a list of complex": (C, {"cval": [1, 2]}),
    "truncate negative": (X, {"truncate": -4}),
    "truncate NaN": (X, {"truncate": math.nan}),
    "truncate text": (X, {"truncate": "4"}),
    "truncate None": (X, {"truncate": None}),
    "truncate a list": (X, {"truncate": [4]}),
    "truncate complex": (X, {"truncate": 4j}),
    "radius negative": (X, {"radius": -1}),
    "radius negative second": (X, {"radius": (1, -2)}),
    "radius 1.0": (X, {"radius": 1.0}),
    "radius NaN": (X, {"radius": math.nan}),
    "radius text": (X, {"radius": "1"}),
    "radius an array": (X, {"radius": np.array(2)}),
    "radii too many": (X, {"radius": (1, 2, 3)}),
    "axis 2": (X, {"axes": 2}),
    "axis -3": (X, {"axes": (-3,)}),
    "axes repeated": (X, {"axes": (0, 0)}),
    "axes repeated from behind": (X, {"axes": (0, -2)}),
    "axes too many": (X, {"axes": (0, 1, 2)}),
    "axis 1.0": (X, {"axes": 1.0}),
    "axes with 1.0": (X, {"axes": (0, 1.0)}),
    "axes text": (X, {"axes": "0"}),
    "axes an object": (X, {"axes": object()}),
    "axes an array without axes": (X, {"axes": np.array(1)}),
    "axes with None": (X, {"axes": (None,)}),
    "axes fewer than sigmas": (X, {"axes": (0,), "sigma": (1, 2)}),
    "no axes, one sigma": (X, {"axes": (), "sigma": (1,)}),
    "output of another shape": (X, {"output": np.zeros(3)}),
    "output bool as text": (X, {"output": "bool"}),
    "output bytes": (X, {"output": "S3"}),
    "output nonsense": (X, {"output": "nonsense"}),
    "output nonsense with commas": (X, {"output": "i4,;"}),
    "output structured": (X, {"output": "i4,f4"}),
    "output float16": (X, {"output": np.float16}),
    "output long double": (X, {"output": "g"}),
    "output complex of reals": (X, {"output": complex}),
    "output a complex array of reals": (X, {"output": np.zeros((3, 4), complex)}),
    "output objects": (X, {"output": np.zeros((3, 4), object)}),
    "output a number": (X, {"output": 3}),
    "output a class": (X, {"output": dict}),
    "output spans": (X, {"output": "m8"}),
    "output real text of complex": (C, {"output": "f8"}),
    "output a real array of complex": (C, {"output": np.zeros((3, 4))}),
    "input objects": (X.astype(object), {}),
    "input float16": (F2, {}),
    "input long double": (X.astype("g"), {}),
    "input text": (np.array(["a"]), {}),
    "input text, only copied": (np.array(["a"]), {"sigma": 0}),
    "input dates": (np.zeros(3, "M8[s]"), {}),
    "input void": (np.zeros(3, "V4"), {}),
    "input structured": (np.zeros(3, "i4,f8"), {}),
    "input None": (None, {"axes": 0}),
    "no axes to filter": (3.0, {"axes": (0,)}),
    "no axes, two sigmas": (3.0, {"sigma": (1, 2)}),
    "empty, unknown mode": (np.zeros((0, 3)), {"mode": "bad"}),
    "empty, radius negative": (np.zeros((0, 3)), {"radius": -1}),
}


def refusal(function: Callable[..., Any], array: Any, parameters: dict[str, Any]) -> BaseException:
    with pytest.raises((ValueError, TypeError, RuntimeError)) as caught:
        function(array, **{"sigma": 1.0, **parameters})
    return caught.value


@pytest.mark.parametrize(("array", "parameters"), REFUSED.values(), ids=REFUSED)
def test_what_scipy_refuses_is_refused_alike(array: Any, parameters: dict[str, Any]) -> None:
    """Ours is an error of the same builtin kind, and of our own family."""
    want = refusal(ndimage.gaussian_filter, array, parameters)
    got = refusal(coordinator.gaussian_filter, array, parameters)
    assert isinstance(got, TilingError)
    kinds = [kind for kind in (ValueError, TypeError, RuntimeError) if isinstance(want, kind)]
    assert isinstance(got, tuple(kinds)), f"SciPy says {want!r}"
    assert str(got)


STRICTER: dict[str, tuple[Any, dict[str, Any], type[TilingError]]] = {
    "sigma negative": (X, {"sigma": -1.0}, BadValueError),
    "sigma slightly negative": (X, {"sigma": (1, -1e-300)}, BadValueError),
    "sigma NaN": (X, {"sigma": math.nan}, BadValueError),
    "sigma infinite": (X, {"sigma": math.inf}, BadValueError),
    "sigma infinite, radius given": (X, {"sigma": math.inf, "radius": 1}, BadValueError),
    "truncate infinite": (X, {"truncate": math.inf}, BadValueError),
    "cval beyond float64": (X, {"cval": 10**400}, BadValueError),
    "cval text of complex": (C, {"cval": "1"}, BadTypeError),
    "output no syntax": (X, {"output": "i4,,"}, BadTypeError),
    "axis out of range, sigma 0": (X, {"axes": 5, "sigma": 0}, BadValueError),
    "objects, only copied": (X.astype(object), {"sigma": 0}, UnsupportedError),
    "long double, only copied": (X.astype("g"), {"sigma": 0}, UnsupportedError),
    "radius beyond all sense": (X, {"radius": MAX_TAPS}, UnsupportedError),
    "sigma beyond all sense": (X, {"sigma": 1e9}, UnsupportedError),
}
"""Where SciPy takes it, overflows or says another kind of error, and we say this one."""


@pytest.mark.parametrize(("array", "parameters", "kind"), STRICTER.values(), ids=STRICTER)
def test_where_we_are_stricter(
    array: Any, parameters: dict[str, Any], kind: type[TilingError]
) -> None:
    """Sigma must make sense; what can't travel is refused; every refusal is in our words."""
    with pytest.raises(kind):
        coordinator.gaussian_filter(array, **{"sigma": 1.0, **parameters})


ACCEPTED: dict[str, tuple[Any, dict[str, Any]]] = {
    "sigma True": (X, {"sigma": True}),
    "sigma Fraction": (X, {"sigma": Fraction(3, 2)}),
    "sigma an array without axes": (X, {"sigma": np.array(1.5)}),
    "sigma with an array without axes": (X, {"sigma": [np.array(1.5), 2]}),
    "sigma an array": (X, {"sigma": np.array([1, 2])}),
    "sigma tiny": (X, {"sigma": 1e-14}),
    "sigma skipped": (X, {"sigma": 1e-15}),
    "sigma a dict's keys": (X, {"sigma": {1: 0, 2: 0}.keys()}),
    "order 0.0": (X, {"order": 0.0}),
    "order False": (X, {"order": False}),
    "order a NumPy False": (X, {"order": np.False_}),
    "order uint8": (X, {"order": np.uint8(2)}),
    "order an array without axes": (X, {"order": [np.array(1), 0]}),
    "order -1 where sigma is 0": (X, {"sigma": (0, 1), "order": (-1, 0)}),
    "mode wrong where sigma is 0": (X, {"sigma": (0, 1), "mode": ("x", "wrap")}),
    "radius wrong where sigma is 0": (X, {"sigma": (0, 1), "radius": (-1, 2)}),
    "truncate wrong where nothing is filtered": (X, {"sigma": 0, "truncate": "x"}),
    "cval True": (X, {"cval": True, "mode": "constant"}),
    "cval Fraction": (X, {"cval": Fraction(1, 3), "mode": "constant"}),
    "cval Decimal": (X, {"cval": Decimal("0.1"), "mode": "constant"}),
    "cval an array without axes": (X, {"cval": np.array(2.5), "mode": "constant"}),
    "cval float16": (X, {"cval": np.float16(2.1), "mode": "constant"}),
    "cval complex": (C, {"cval": 1 - 2j, "mode": "constant"}),
    "cval complex in an array": (C, {"cval": np.array(2j), "mode": "constant"}),
    "cval real of complex": (C, {"cval": 3, "mode": "constant"}),
    "truncate 0": (X, {"truncate": 0}),
    "truncate slightly negative": (X, {"truncate": -0.1}),
    "truncate Fraction": (X, {"truncate": Fraction(5, 2)}),
    "truncate an array without axes": (X, {"truncate": np.array(2)}),
    "radius 0": (X, {"radius": 0}),
    "radius True": (X, {"radius": True}),
    "radius int64": (X, {"radius": np.int64(2)}),
    "radius None second": (X, {"radius": (1, None)}),
    "axes a number": (X, {"axes": 1}),
    "axes -1": (X, {"axes": -1}),
    "axes an array": (X, {"axes": np.array([1, 0])}),
    "axes True": (X, {"axes": True}),
    "axes a set": (X, {"axes": {1}}),
    "axes none": (X, {"axes": ()}),
    "axes backwards": (X, {"axes": (1, 0), "sigma": (1, 3), "mode": ("wrap", "constant")}),
    "output float32": (X, {"output": "float32"}),
    "output big-endian": (X, {"output": ">f4"}),
    "output bool": (X, {"output": bool}),
    "output a list": (X, {"output": [[0.0] * 4] * 3}),
    "output complex, only copied": (X, {"sigma": 0, "output": "c8"}),
    "input a list": ([[1, 2], [3, 4]], {}),
    "input a number": (3, {}),
    "input empty": ([], {}),
    "input float16, only copied": (F2, {"sigma": 0}),
    "input of 6 axes": (np.arange(64).reshape((2,) * 6), {}),
    "input of 32 axes": (np.ones((1,) * 32), {}),
}


@pytest.mark.parametrize(("array", "parameters"), ACCEPTED.values(), ids=ACCEPTED)
def test_what_scipy_accepts_is_accepted(array: Any, parameters: dict[str, Any]) -> None:
    """And means the same."""
    keywords = {"sigma": 1.0, **parameters}
    want = ndimage.gaussian_filter(array, **keywords)
    assert_same_bits(coordinator.gaussian_filter(array, **keywords), want)


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_means_what_it_means_to_scipy(mode: str) -> None:
    """The synonyms too, on an axis shorter than the radius."""
    want = ndimage.gaussian_filter(X, 2.5, mode=mode, cval=7.5)
    assert_same_bits(coordinator.gaussian_filter(X, 2.5, mode=mode, cval=7.5), want)


@pytest.mark.parametrize(
    "ours",
    [coordinator.gaussian_filter, coordinator.Fleet.gaussian_filter],
    ids=["coordinator.gaussian_filter", "Fleet.gaussian_filter"],
)
def test_signatures_are_scipys(ours: Callable[..., Any]) -> None:
    """Names, kinds and defaults in SciPy's order, and the keyword-only tile."""

    def parameters(function: Callable[..., Any]) -> list[tuple[str, Any, Any]]:
        return [
            (each.name, each.kind, each.default)
            for each in inspect.signature(function).parameters.values()
            if each.name != "self"
        ]

    tile = ("tile", inspect.Parameter.KEYWORD_ONLY, None)
    assert parameters(ours) == [*parameters(ndimage.gaussian_filter), tile]


def test_the_row_takes_scipys_parameters() -> None:
    """The normaliser has ndim and dtype in the place of the input, and no tile."""
    theirs = list(inspect.signature(ndimage.gaussian_filter).parameters)[1:]
    assert list(inspect.signature(FILTERS["gaussian_filter"].call).parameters)[2:] == theirs


def test_the_row_names_itself() -> None:
    """The table's key and the row agree."""
    assert all(row.name == name for name, row in FILTERS.items())


def test_byte_order_is_no_matter_of_the_job() -> None:
    """The same job is made of either, so it has one name."""
    big, little = (gaussian_filter(2, np.dtype(name), 1.5) for name in (">f4", "<f4"))
    assert big == little


def test_axes_of_sigma_zero_need_no_halo() -> None:
    """They are not read beyond the tile."""
    halo = gaussian_filter(3, np.dtype("f4"), (2, 2, 0)).operation.halo(3)
    assert halo.before == halo.after == (8, 8, 0)
