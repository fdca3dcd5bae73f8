"""What a run was expected to take, over its stages."""

from __future__ import annotations

import pytest

from coordinator.events import Event, RunStarted, StageStarted, TileKept
from coordinator.history.history import History
from tiling.geometry.grid import Grid
from tiling.geometry.halo import Halo
from tiling.geometry.plan import Plan
from tiling.jobs.cost import HERE, combining_s


def started(expected_s: float | None) -> RunStarted:
    return RunStarted(
        "i", "o", "f", (4,), "f4", (1,), (4,), 4, 400, 400, 0.0, (), expected_s=expected_s
    )


def stage(expected_s: float | None) -> StageStarted:
    return StageStarted(2, "f4", (2,), (2,), 2, 400, 400, 0.0, expected_s)


@pytest.mark.parametrize(
    ("events", "expected_s"),
    [
        pytest.param([started(2.0)], 2.0, id="one stage"),
        pytest.param([started(2.0), stage(1.0)], 3.0, id="two stages"),
        pytest.param([started(2.0), TileKept(3, 100)], 1.5, id="an earlier run did a quarter"),
        pytest.param([started(None), stage(1.0)], None, id="the first is not known"),
        pytest.param([started(2.0), stage(None), stage(1.0)], None, id="the second is not known"),
        pytest.param([], None, id="nothing began"),
    ],
)
def test_expected(events: list[Event], expected_s: float | None) -> None:
    """The sum of the stages, less what was kept; unknown if one of them is."""
    history = History()
    for event in events:
        history.handle(0.0, event)
    assert history.expected_s == expected_s


def test_arithmetic_is_expected_to_take_its_bytes() -> None:
    """Twice the samples take twice as long, but for what a piece takes anyway."""
    small, large = (
        Plan(Grid((n, 100), (n, 100)), Halo.none(2), (False, False), 4, 4) for n in (100, 200)
    )
    expected_s = 2 * (combining_s(small, 2) - HERE.tile_s) + HERE.tile_s
    assert combining_s(large, 2) == pytest.approx(expected_s)
