"""The chosen tile keeps its bounds on shapes of any proportion."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tiling.geometry.grid import Grid
from tiling.geometry.halo import Halo
from tiling.geometry.plan import Plan
from tiling.geometry.tile_shape import (
    MAX_OVERHEAD,
    MAX_TILE_BYTES,
    MIN_TILE_BYTES,
    Choice,
    choose_tile,
)

EXTREME = {
    "1-d of 10^9": (10**9,),
    "tall": (10**6, 3),
    "wide": (3, 10**6),
    "one row": (1, 10**9),
    "4-d": (64, 64, 64, 64),
    "4-d, large": (300, 300, 300, 300),
    "photo": (1024, 768, 3),
    "beyond memory": (2**40, 2**20),
    "20 axes": (2,) * 20,
    "single samples": (1,) * 6,
}
HALOS = {"no halo": 0, "thin": 4, "deep": 60, "deeper than most": 10**5}


def planned(
    shape: tuple[int, ...], itemsize: int, reach: int, slots: int, *, wraps: bool
) -> tuple[Plan, Choice]:
    """Choose twice, the same both times, and cut."""
    halo = Halo((reach,) * len(shape), (reach,) * len(shape))
    edges = (wraps,) * len(shape)
    choice = choose_tile(shape, itemsize, halo, edges, slots)
    assert choice == choose_tile(shape, itemsize, halo, edges, slots)
    return Plan(Grid(shape, choice.tile), halo, edges, itemsize, itemsize), choice


def keeps_its_bounds(shape: tuple[int, ...], itemsize: int, reach: int, slots: int) -> None:
    for wraps in (False, True):
        plan, choice = planned(shape, itemsize, reach, slots, wraps=wraps)
        least = max(1, plan.bytes_out // MAX_TILE_BYTES)
        most = max(least, plan.bytes_out // MIN_TILE_BYTES, 1)
        assert least / 2 <= len(plan) <= 2 * max(least, min(most, 4 * slots))
        assert math.prod(plan.largest_write) * itemsize <= 2 * MAX_TILE_BYTES
        assert all(1 <= size <= max(n, 1) for size, n in zip(choice.tile, shape, strict=True))
        assert plan.halo_overhead <= MAX_OVERHEAD or "the halo is too deep" in choice.reason
        assert choice.reason.startswith((f"{len(plan)} slab", f"{len(plan)} block", "nothing"))
        assert "\n" not in choice.reason


@pytest.mark.parametrize("slots", [1, 2, 7, 1000])
@pytest.mark.parametrize("reach", HALOS.values(), ids=HALOS)
@pytest.mark.parametrize("shape", EXTREME.values(), ids=EXTREME)
def test_extreme_shapes(shape: tuple[int, ...], reach: int, slots: int) -> None:
    """Tiles are neither too many nor too large, and a thick halo is owned up to."""
    keeps_its_bounds(shape, 8, reach, slots)


@given(
    st.lists(st.integers(0, 5000), max_size=4).map(tuple),
    st.sampled_from([1, 2, 4, 8, 16]),
    st.integers(0, 200),
    st.integers(1, 64),
)
@example((), 1, 0, 1)
@example((5, 0), 8, 3, 4)
def test_any_shape(shape: tuple[int, ...], itemsize: int, reach: int, slots: int) -> None:
    """The same bounds hold everywhere; empty arrays have nothing to cut."""
    if math.prod(shape):
        keeps_its_bounds(shape, itemsize, reach, slots)
    else:
        plan, choice = planned(shape, itemsize, reach, slots, wraps=False)
        assert len(plan) == 0
        assert choice.reason == "nothing to cut"


@given(st.lists(st.integers(1, 4000), min_size=1, max_size=3).map(tuple), st.integers(1, 64))
def test_half_of_the_slots_at_least_are_busy(shape: tuple[int, ...], slots: int) -> None:
    """Without a halo only the rounding to whole rows may leave slots idle."""
    plan, _ = planned(shape, 8, 0, slots, wraps=False)
    assert 2 * len(plan) >= min(slots, plan.bytes_out // MIN_TILE_BYTES)


def test_a_halo_of_the_whole_array_is_not_cut_for_one_slot() -> None:
    """When every tile reads everything, one tile is best."""
    plan, _ = planned((2000, 2000, 3), 4, 2000, 1, wraps=False)
    assert len(plan) == 1


def test_slabs_where_they_cost_little() -> None:
    """A photograph is cut across its first axis: no copy to send."""
    _, choice = planned((1024, 768, 3), 4, 2, 2, wraps=False)
    assert choice == Choice((512, 768, 3), "2 slabs for 2 slots, 0.4 % read twice")
