"""Operations on windows, compiled for each level, against SciPy: all that a call may vary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.support.equality import assert_same_bits
from tests.support.levels import at_level, each_level
from tests.tiling.kernels.test_correlations import MODES, REAL, SHAPES, layouts, samples
from tiling.errors import TilingError
from tiling.kernels import native, reference
from tiling.kernels.native import windows
from tiling.operations import Operation
from tiling.operations.binary import Erosion
from tiling.operations.fields import Table
from tiling.operations.running import RunningExtremum, RunningMean
from tiling.operations.windows import Correlation, Extremum, Rank

if TYPE_CHECKING:
    import numpy.typing as npt

FILLS = [0.0, -0.0, -1.5, 0.1, -0.5, 1e-60, 3.0, 255.0, 300.0, 1e300, -1e300, np.inf, np.nan]
SIZES = {1: 40, 2: 9, 3: 5}
"""Most samples of a window along an axis, by the number of axes."""


@st.composite
def tables(draw: st.DrawFn, ndim: int) -> tuple[npt.NDArray[Any], tuple[int, ...]]:
    """Draw a footprint that is not empty, and origins."""
    most = SIZES.get(ndim, 3)
    window = tuple(draw(st.integers(1, most)) for _ in range(ndim))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    table = rng.random(window) < draw(st.sampled_from([0.3, 0.8, 1.0]))
    table.flat[draw(st.integers(0, table.size - 1))] = True
    origins = tuple(draw(st.integers(-(n // 2), (n - 1) // 2)) for n in window)
    return table, origins


@st.composite
def operations(draw: st.DrawFn, ndim: int) -> Operation:
    kind = draw(
        st.sampled_from([Correlation, Extremum, Rank, RunningExtremum, RunningMean, Erosion])
    )
    mode, fill = draw(st.sampled_from(MODES)), draw(st.sampled_from(FILLS))
    if kind in (RunningExtremum, RunningMean):
        axis, size = draw(st.integers(0, ndim - 1)), draw(st.integers(1, 60))
        origin = draw(st.integers(-(size // 2), (size - 1) // 2))
        flags = (draw(st.booleans()),) if kind is RunningExtremum else ()
        return kind(axis, size, mode, fill, origin, *flags)
    table, origins = draw(tables(ndim))
    values = np.random.default_rng(table.size).normal(scale=3, size=table.shape)
    if kind is Correlation:
        return Correlation(Table.of(np.where(table, values, 0.0)), mode, fill, origins)
    if kind is Rank:
        rank = draw(st.integers(0, int(table.sum()) - 1))
        return Rank(Table.of(table), mode, fill, origins, rank)
    if kind is Erosion:
        flags = [draw(st.booleans()) for _ in range(3)]
        return Erosion(Table.of(table), origins, *flags, iterations=draw(st.integers(1, 4)))
    structure = Table.of(values) if draw(st.booleans()) else None
    return Extremum(Table.of(table), mode, fill, origins, structure, draw(st.booleans()))


@each_level
@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_call_has_scipys_bits(level: int, data: st.DataObject) -> None:
    """Whatever operation, dtypes, shape, strides and crop: the bytes are SciPy's."""
    draw = data.draw
    shape = draw(SHAPES)
    operation = draw(operations(len(shape)))
    source = draw(st.sampled_from(REAL))
    target = draw(st.sampled_from([source, *REAL])) if operation.KIND != "erosion" else "?"
    try:
        operation.check(len(shape), np.dtype(source), np.dtype(target))
        operation.check_block(shape)
    except TilingError:
        assume(False)
    block = draw(layouts(samples(source, shape, draw(st.integers(0, 99)), draw(st.booleans()))))
    crop = []
    for length in shape:
        start = draw(st.integers(0, length))
        crop.append(slice(start, draw(st.integers(start, length))))
    size = [part.stop - part.start for part in crop]
    got, want = (np.empty(size, target) for _ in range(2))
    block.flags.writeable = False
    with np.errstate(all="ignore"), at_level(level):
        native.run(operation, block, tuple(crop), got)
    reference.run(operation, block, tuple(crop), want)
    assert_same_bits(got, want)


def test_arrays_without_axes() -> None:
    """One sample, and a window of one: SciPy computes them, and nothing is read beside it."""
    one, block = Table.of(np.ones((), bool)), np.array(2.5)
    for operation, target in (
        (Erosion(one, (), False, False, False, 1), "?"),
        (Extremum(one, "reflect", 0.0, (), None, True), "d"),
        (Correlation(Table.of(np.array(1.5)), "reflect", 0.0, ()), "d"),
    ):
        got, want = (np.empty((), target) for _ in range(2))
        native.run(operation, block, (), got)
        reference.run(operation, block, (), want)
        assert_same_bits(got, want)


def test_iterations_end_when_nothing_changes() -> None:
    """A number from the network can't keep a worker busy."""
    block = np.random.default_rng(0).random((40, 50)) > 0.5
    structure = Table.of(np.ones((3, 3), bool))
    want, got = (np.empty(block.shape, bool) for _ in range(2))
    everything = (slice(0, 40), slice(0, 50))
    reference.run(Erosion(structure, (0, 0), True, True, False, 100), block, everything, want)
    native.run(Erosion(structure, (0, 0), True, True, False, 10**12), block, everything, got)
    assert_same_bits(got, want)


def test_unaligned_samples() -> None:
    """Arrays may begin at any address."""
    raw = np.frombuffer(b"x" + np.random.default_rng(0).random(60 * 80).tobytes(), np.uint8)[1:]
    block = raw.view(np.float64).reshape(60, 80)
    assert not block.flags.aligned
    everything = (slice(0, 60), slice(0, 80))
    for operation in (
        RunningMean(0, 5, "reflect", 0.0, 0),
        RunningExtremum(0, 5, "wrap", 0.0, 0, True),
        RunningExtremum(1, 5, "wrap", 0.0, 0, True),
        Rank(Table.of(np.ones((3, 3), bool)), "nearest", 0.0, (0, 0), 4),
    ):
        want, got = (np.empty(block.shape) for _ in range(2))
        reference.run(operation, block.copy(), everything, want)
        native.run(operation, block, everything, got)
        assert_same_bits(got, want)


MEDIANS = [
    ((7, 2100), (3, 3)),
    ((6, 2100), (5, 5)),
    ((3, 1, 80, 3), (1, 3, 3, 1)),
    ((9, 2, 40, 4), (5, 1, 5, 1)),
    ((2, 9, 9, 20), (1, 3, 1, 3)),
    ((1, 100), (5, 5)),
    ((12, 1700), (11, 12)),
    ((9, 60, 5), (9, 15, 2)),
]


@each_level
@pytest.mark.parametrize(("shape", "window"), MEDIANS)
@pytest.mark.parametrize("dtype", [dtype for dtype in REAL if dtype not in "lLqQ"])
def test_medians(level: int, shape: tuple[int, ...], window: tuple[int, ...], dtype: str) -> None:
    """Rows of one vector and of several spans, odd in number, with axes before, between, after."""
    block = samples(dtype, shape, 0, special=True)
    size = int(np.prod(window))
    everything = tuple(slice(0, length) for length in shape)
    for rank in (size // 2, size // 3):
        operation = Rank(Table.of(np.ones(window, bool)), "mirror", 0.0, (0,) * len(shape), rank)
        want, got = (np.empty(shape, dtype) for _ in range(2))
        with at_level(level):
            assert windows.rank(operation, block, everything, got)
        reference.run(operation, block, everything, want)
        assert_same_bits(got, want)


@pytest.mark.parametrize("dtype", ["u2", "i4", "f4"])
@pytest.mark.parametrize("axis", [0, 1])
def test_fill_values_that_the_dtype_has_not(dtype: str, axis: int) -> None:
    """A mean is made of float64, and so is its fill value, whatever the samples are."""
    block = (np.random.default_rng(0).random((30, 200)) * 1000).astype(dtype)
    everything = (slice(0, 30), slice(0, 200))
    for fill in (-1.5, 0.1, 1e12, 1e-310):
        want, got = (np.empty(block.shape, dtype) for _ in range(2))
        for operation in (
            RunningMean(axis, 29, "constant", fill, 3),
            RunningExtremum(axis, 29, "constant", fill, 3, True),
        ):
            reference.run(operation, block, everything, want)
            native.run(operation, block, everything, got)
            assert_same_bits(got, want)


@each_level
@pytest.mark.parametrize("minimum", [True, False])
def test_signs_of_zeros_with_a_structure(level: int, minimum: bool) -> None:
    """Of -0.0 less 0.0, as of all sums of zeros, the sign is SciPy's."""
    rng = np.random.default_rng(5)
    for _ in range(300):
        block = rng.choice([0.0, -0.0, 0.5, -0.5, 1.0], (2, 4)).astype("f4")
        structure = Table.of(rng.choice([0.0, -0.0, 0.5, -0.5], (1, 3)))
        table = Table.of(np.ones((1, 3), bool))
        operation = Extremum(table, "reflect", 0.0, (0, 0), structure, minimum)
        got, want = (np.empty(block.shape, "f4") for _ in range(2))
        everything = (slice(0, 2), slice(0, 4))
        with at_level(level):
            native.run(operation, block, everything, got)
        reference.run(operation, block, everything, want)
        assert_same_bits(got, want)
