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
    FIXED_SHARES,
    LONG_S,
    MAX_TILE_BYTES,
    MOST_ROUNDS,
    Choice,
    Layer,
    choose_tile,
    makespan_s,
)

FIXED_S = 1e-3

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
    shape: tuple[int, ...], itemsize: int, reach: int, slots: int, *, wraps: bool, sample_s: float
) -> tuple[Plan, Choice]:
    """Choose twice, the same both times, and cut."""
    halo = Halo((reach,) * len(shape), (reach,) * len(shape))
    edges = (wraps,) * len(shape)
    layers = (Layer(halo, 4e-9), Layer(Halo.none(len(shape)), sample_s))
    choice, again = (
        choose_tile(shape, itemsize, layers, edges, slots, fixed_s=FIXED_S) for _ in range(2)
    )
    assert choice == again
    return Plan(Grid(shape, choice.tile), halo, edges, itemsize, itemsize), choice


def keeps_its_bounds(
    shape: tuple[int, ...], itemsize: int, reach: int, slots: int, sample_s: float = 1e-8
) -> None:
    for wraps in (False, True):
        plan, choice = planned(shape, itemsize, reach, slots, wraps=wraps, sample_s=sample_s)
        seconds = 4e-9 * plan.samples_in + sample_s * math.prod(shape) + FIXED_S * len(plan)
        tile_s = seconds / len(plan)
        least = max(1, plan.bytes_out // MAX_TILE_BYTES)
        assert len(plan) <= 2 * max(least, slots * MOST_ROUNDS, 2 * seconds / LONG_S + 2 * slots)
        assert math.prod(plan.largest_write) * itemsize <= 2 * MAX_TILE_BYTES
        assert all(1 <= size <= max(n, 1) for size, n in zip(choice.tile, shape, strict=True))
        assert len(plan) in (1, least) or tile_s > FIXED_SHARES * FIXED_S / 4
        assert not shape or choice.makespan_s == pytest.approx(makespan_s(len(plan), tile_s, slots))
        assert choice.reason.startswith((f"{len(plan)} slab", f"{len(plan)} block", "nothing"))
        assert "\n" not in choice.reason


@pytest.mark.parametrize("slots", [1, 2, 7, 1000])
@pytest.mark.parametrize("reach", HALOS.values(), ids=HALOS)
@pytest.mark.parametrize("shape", EXTREME.values(), ids=EXTREME)
def test_extreme_shapes(shape: tuple[int, ...], reach: int, slots: int) -> None:
    """Tiles are neither too many, too large nor too brief, and the price is as it says."""
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
        plan, choice = planned(shape, itemsize, reach, slots, wraps=False, sample_s=1e-8)
        assert len(plan) == 0
        assert choice.reason == "nothing to cut"


@pytest.mark.parametrize("slots", [1, 2, 9, 64])
def test_heavy_work_gives_every_slot_several_tiles(slots: int) -> None:
    """Sixteen seconds of work on five megabytes are worth cutting, whatever the bytes."""
    plan, _ = planned((872, 1000, 3), 1, 10, slots, wraps=False, sample_s=6e-6)
    assert 3 <= len(plan) / slots <= MOST_ROUNDS


def test_no_tile_is_long_where_the_array_can_be_cut() -> None:
    """An hour of work on a small picture is a thousand tiles, not forty."""
    plan, _ = planned((2000, 2000), 1, 1, 4, wraps=False, sample_s=1e-3)
    assert 4000 / len(plan) <= LONG_S


@pytest.mark.parametrize("slots", [2, 1000, 10**6])
def test_brief_work_is_not_cut(slots: int) -> None:
    """Whatever number of slots is claimed."""
    plan, _ = planned((300, 300), 4, 2, slots, wraps=False, sample_s=1e-9)
    assert len(plan) == 1


def test_claims_of_slots_cost_a_fifth() -> None:
    """A worker that claims a thousand makes no thousand tiles."""
    plan, _ = planned((1000, 1000), 4, 0, 1000, wraps=False, sample_s=1e-6)
    assert FIXED_S * len(plan) <= 1.0 / FIXED_SHARES * 1.1


def test_a_halo_of_the_whole_array_is_not_cut_for_one_slot() -> None:
    """When every tile reads everything, one tile is best."""
    plan, _ = planned((2000, 2000, 3), 4, 2000, 1, wraps=False, sample_s=1e-9)
    assert len(plan) == 1


def test_slabs_where_they_cost_little() -> None:
    """A photograph is cut across its first axis: no copy to send."""
    plan, choice = planned((1024, 768, 3), 4, 2, 2, wraps=False, sample_s=1e-8)
    assert plan.grid.tile[1:] == (768, 3)
    assert choice.others


@given(
    st.lists(st.tuples(st.integers(1, 5000), st.integers(1, 300)), min_size=1, max_size=4),
    st.sampled_from([*HALOS.values()]),
    st.integers(1, 40),
)
def test_tiles_are_whole_chunks(axes: list[tuple[int, int]], reach: int, slots: int) -> None:
    """But for the far edge; and no larger than is allowed, unless a single chunk is."""
    shape, grain = (tuple(each) for each in zip(*axes, strict=True))
    halo = Halo((reach,) * len(shape), (reach,) * len(shape))
    choice = choose_tile(
        shape, 4, (Layer(halo, 1e-8),), (False,) * len(shape), slots, fixed_s=FIXED_S, grain=grain
    )
    for size, length, unit in zip(choice.tile, shape, grain, strict=True):
        assert size == length or size % unit == 0
    one = math.prod(map(min, shape, grain)) * 4
    assert math.prod(choice.tile) * 4 <= max(MAX_TILE_BYTES, one)


@given(st.lists(st.integers(1, 5000), min_size=1, max_size=4), st.integers(1, 40))
def test_chunks_of_one_sample_are_no_chunks(shape: list[int], slots: int) -> None:
    """A grain of 1 allows all that no grain does."""
    layers, wraps = (Layer(Halo.none(len(shape)), 1e-8),), (False,) * len(shape)
    plain, grained = (
        choose_tile(tuple(shape), 4, layers, wraps, slots, fixed_s=FIXED_S, grain=grain)
        for grain in ((), (1,) * len(shape))
    )
    assert math.prod(grained.tile) <= max(math.prod(plain.tile), MAX_TILE_BYTES // 4)
