"""Until nothing changes, compiled for each level, against SciPy: all that a call may vary."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.equality import assert_same_bits
from tests.support.levels import at_level, each_level
from tests.tiling.kernels.test_correlations import layouts
from tiling.kernels import native, reference
from tiling.kernels.native import propagation
from tiling.operations.binary import STATES, Propagation
from tiling.operations.fields import Table

if TYPE_CHECKING:
    from tiling.dtypes import Array

LONGEST = {1: 300, 2: 90, 3: 20, 4: 8}
WIDEST = {1: 150, 2: 9, 3: 5, 4: 3}
CROSS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], bool)


def whole(shape: tuple[int, ...]) -> tuple[slice, ...]:
    return tuple(slice(0, length) for length in shape)


def assert_scipys(operation: Propagation, states: Array, crop: tuple[slice, ...]) -> Array:
    shape = [part.stop - part.start for part in crop]
    got, want = (np.empty(shape, np.uint8) for _ in range(2))
    native.run(operation, states, crop, got)
    reference.run(operation, states, crop, want)
    assert_same_bits(got, want)
    return got


@st.composite
def propagations(draw: st.DrawFn, ndim: int) -> Propagation:
    """Draw a structure that has its centre, wherever that is."""
    window = tuple(draw(st.integers(1, WIDEST[ndim])) for _ in range(ndim))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    table = rng.random(window) < draw(st.sampled_from([0.1, 0.5, 1.0]))
    centre = tuple(draw(st.integers(0, size - 1)) for size in window)
    table[centre] = True
    origins = tuple(at - size // 2 for at, size in zip(centre, window, strict=True))
    flags = [draw(st.booleans()) for _ in range(3)]
    return Propagation(Table.of(table), origins, *flags)


@each_level
@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_call_has_scipys_bits(level: int, data: st.DataObject) -> None:
    """Whatever structure, border, shape, strides and crop: the bytes are SciPy's."""
    draw = data.draw
    ndim = draw(st.integers(1, 4))
    shape = tuple(draw(st.integers(1, LONGEST[ndim])) for _ in range(ndim))
    operation = draw(propagations(ndim))
    operation.check(ndim, STATES, STATES)
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    samples, free = (
        rng.random(shape) < draw(st.sampled_from([0.01, 0.3, 0.6, 0.9, 1.0])) for _ in range(2)
    )
    block = draw(layouts(samples * np.uint8(1) | free * np.uint8(2)))
    block.flags.writeable = False
    crop = []
    for length in shape:
        start = draw(st.integers(0, length))
        crop.append(slice(start, draw(st.integers(start, length))))
    with at_level(level):
        assert_scipys(operation, block, tuple(crop))


@each_level
@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("structure", [CROSS, np.ones((3, 3), bool)], ids=["cross", "box"])
def test_a_change_runs_along_a_path(level: int, axis: int, structure: Array) -> None:
    """There and back through every other line, whichever way the lines lie."""
    path = np.zeros((130, 201), bool)
    path[::2] = True
    path[1::4, -1] = path[3::4, 0] = True
    states = np.ascontiguousarray(np.moveaxis(path * np.uint8(2), 0, axis))
    states[0, 0] |= 1
    for dilate in (False, True):
        operation = Propagation(Table.of(structure), (0, 0), not dilate, dilate, False)
        begun = states if dilate else states ^ 1
        with at_level(level):
            got = assert_scipys(operation, begun, whole(states.shape))
        assert ((got ^ begun) & 1).sum() == path.sum() - 1


def test_other_bits_of_states_are_dropped() -> None:
    """As SciPy's way drops them, whether anything changes or not."""
    states = np.random.default_rng(0).integers(0, 256, (40, 70), np.uint8)
    operation = Propagation(Table.of(CROSS), (0, 0), False, True, False)
    for block in (states, states & 0xFD):
        assert_scipys(operation, block, whole(block.shape))


def test_structures_wider_than_the_block() -> None:
    """What they reach counts as far as the block goes; where that is far more, SciPy serves."""
    block = np.random.default_rng(0).integers(0, 4, 300, np.uint8)
    operation = Propagation(Table.of(np.ones(2001, bool)), (0,), True, False, False)
    assert propagation.run(operation, block, whole(block.shape), np.empty_like(block))
    assert_scipys(operation, block, whole(block.shape))
    thin = np.random.default_rng(0).integers(0, 4, (1, 1, 1, 1, 1, 9999), np.uint8)
    operation = Propagation(Table.of(np.ones((3,) * 6, bool)), (0,) * 6, True, False, False)
    assert not propagation.run(operation, thin, whole(thin.shape), np.empty_like(thin))
    assert_scipys(operation, thin, whole(thin.shape))
