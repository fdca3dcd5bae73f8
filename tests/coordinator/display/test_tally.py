"""The tally of a run's events, and its map of tiles."""

from __future__ import annotations

import doctest
import importlib
import math
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.display.closing import closing_lines
from coordinator.display.tally import Tally
from coordinator.display.tile_map import COLUMNS, ROWS, Look, Place, TileMap
from coordinator.events import (
    FailureKind,
    RunFinished,
    RunStarted,
    TileAnswered,
    TileFailed,
    TileGivenUp,
    TileHedged,
    TileRetried,
    TileSent,
    TileStored,
    WorkerBack,
    WorkerEjected,
    WorkerLost,
    WorkerPlaces,
    WorkerReady,
)
from coordinator.history.history import Remark, State

if TYPE_CHECKING:
    from coordinator.events import Event

BUSY = TileFailed(0, "a", 1, "HTTP 503: all slots are taken", 2.0, FailureKind.BUSY)
W, F, P, S, X = Look.WAITING, Look.FLYING, Look.PARTLY, Look.STORED, Look.FAILED


def started(grid: tuple[int, ...] = (2, 2), workers: tuple[str, ...] = ("a", "b")) -> RunStarted:
    tiles = math.prod(grid)
    return RunStarted(
        "in.npy", "out.npy", "gaussian_filter", grid, "int32", (1,) * len(grid), grid, tiles,
        tiles * 1000, tiles * 1000, 0.05, workers,
    )  # fmt: skip


def tally_of(*events: Event) -> Tally:
    """Count events that come a second apart."""
    tally = Tally()
    for now, event in enumerate(events):
        tally.handle(float(now), event)
    return tally


def looks(tally: Tally) -> list[list[Look]]:
    return [list(row) for row in tally.map.view(ROWS, COLUMNS).looks]


def test_the_life_of_a_tile() -> None:
    """Sent, answered, stored: each step moves the tile on the map and frees its worker."""
    sent, answered = TileSent(3, "a", 1, 10), TileAnswered(3, "a", 1, "d", 10)
    assert looks(tally_of(started(), sent)) == [[W, W], [W, F]]
    tally = tally_of(started(), sent, answered)
    assert looks(tally) == [[W, W], [W, F]]
    assert not tally.workers["a"].flying
    assert tally.workers["a"].quantiles() == (1.0, 1.0)
    tally.handle(3.0, TileStored(3, "a", 1000))
    assert looks(tally) == [[W, W], [W, S]]
    assert (tally.stage_tiles, tally.workers["a"].stored, tally.meter.total) == (1, 1, 1000)


def test_a_failed_tile_waits_for_another_attempt() -> None:
    """It shows as such until it is sent again; its worker says why until it answers again."""
    events = [started(), TileSent(0, "a", 1, 10), TileFailed(0, "a", 1, "HTTP 500")]
    tally = tally_of(*events)
    assert looks(tally) == [[X, W], [W, W]]
    worker = tally.workers["a"]
    assert (worker.state, worker.reason, worker.failed) == (State.FAILING, "HTTP 500", 1)
    tally.handle(3.0, TileSent(0, "b", 2, 10))
    assert looks(tally) == [[F, W], [W, W]]
    tally.handle(4.0, TileSent(1, "a", 1, 10))
    tally.handle(5.0, TileAnswered(1, "a", 1, "d", 10))
    assert (worker.state, worker.reason) == (State.READY, "")


def test_a_busy_worker_is_not_in_trouble() -> None:
    """Back-pressure is told as a state, not as a failure."""
    tally = tally_of(started(), TileSent(0, "a", 1, 10), BUSY)
    assert tally.workers["a"].state is State.BUSY
    assert tally.workers["a"].reason == "asked for 2.0 s"
    assert (tally.retries, tally.news) == (0, None)
    assert looks(tally) == [[X, W], [W, W]]


def test_the_loser_of_a_hedge_is_given_up_in_silence() -> None:
    """Whoever answers first, nothing stays in flight at the other."""
    tally = tally_of(
        started(),
        TileSent(0, "a", 1, 10),
        TileSent(0, "b", 2, 10, hedge=True),
        TileAnswered(0, "b", 2, "d", 10),
        TileStored(0, "b", 1000),
        TileAnswered(0, "a", 1, "d", 10),
    )
    assert looks(tally) == [[S, W], [W, W]]
    assert [len(worker.flying) for worker in tally.workers.values()] == [0, 0]
    assert (tally.workers["b"].hedges, tally.hedges) == (1, 1)


def test_a_hedge_that_fails_leaves_the_first_attempt_flying() -> None:
    """A tile waits only when nobody has it any more."""
    tally = tally_of(
        started(),
        TileSent(0, "a", 1, 10),
        TileSent(0, "b", 2, 10, hedge=True),
        TileFailed(0, "b", 2, "reset"),
    )
    assert looks(tally) == [[F, W], [W, W]]


def test_a_lost_worker_loses_its_tiles_and_may_come_back() -> None:
    """Its reason is kept, and late failures of its tiles are not counted on the map again."""
    tally = tally_of(started(), TileSent(0, "a", 1, 10), WorkerLost("a", "connection refused"))
    assert looks(tally) == [[X, W], [W, W]]
    tally.handle(3.0, TileFailed(0, "a", 1, "cancelled"))
    assert looks(tally) == [[X, W], [W, W]]
    assert (tally.workers["a"].state, tally.workers["a"].reason) == (
        State.LOST,
        "connection refused",
    )
    tally.handle(4.0, WorkerReady("a", 2))
    assert tally.workers["a"].state is State.READY
    assert tally.news is not None
    assert tally.news.text == "a came back"


def test_events_before_the_run_and_workers_never_announced() -> None:
    """Greetings come before the run begins, and a worker may join later."""
    tally = tally_of(WorkerReady("a", 2), started(workers=()), TileStored(1, "late", 1000))
    assert list(tally.workers) == ["a", "late"]
    assert tally.elapsed_s(3.0) == 2.0


def test_an_ejected_worker_comes_back() -> None:
    """The reason says when it is asked again; the note says that it is in use again."""
    tally = tally_of(started(), WorkerEjected("a", "5 failures in a row", 4.0))
    assert tally.workers["a"].state is State.EJECTED
    assert tally.workers["a"].reason == "5 failures in a row; asked again in 4.0 s"
    assert tally.fleet() == "2 workers, 1 lost"
    tally.handle(6.0, WorkerBack("a"))
    assert tally.workers["a"].state is State.READY
    assert tally.news == Remark(6.0, "a came back")


def test_a_worker_that_stays_away_is_no_news() -> None:
    """Asked again and again in vain, it is noted once."""
    tally = tally_of(started(), WorkerLost("a", "refused"), WorkerLost("a", "refused"))
    assert tally.news == Remark(1.0, "a lost: refused")


def test_who_gets_bytes_is_told() -> None:
    """Only where there is something to be said; a worker that opens the files is no news."""
    tally = tally_of(started(), WorkerPlaces("a", reads=True, writes=True))
    assert tally.news is None
    tally.handle(2.0, WorkerPlaces("a", reads=True, writes=False, reason="no room"))
    assert tally.news == Remark(2.0, "a answers with bytes: no room")
    tally.handle(2.0, RunFinished())
    assert [*closing_lines(tally, 3.0)][1:] == ["a answers with bytes: no room"]


def test_what_is_worth_reading() -> None:
    """Hedges and tiles given up are noted; a retry that goes its way is not."""
    hedged = TileHedged(7, "a", "b", 3.25)
    tally = tally_of(
        started(), hedged, TileSent(7, "b", 2, 10, hedge=True), TileRetried(1, 2.0, "x")
    )
    assert tally.news == Remark(1.0, "tile 7 also sent to b: unanswered by a for 3.2 s")
    tally.handle(4.0, TileGivenUp(7, (("a", "HTTP 500"), ("b", "reset"))))
    assert tally.news == Remark(4.0, "tile 7 given up: a: HTTP 500; b: reset")


def test_threads_of_this_machine_tell_no_answers() -> None:
    """A tile that is stored without being answered first has a time of its own too."""
    tally = tally_of(started(), TileSent(0, "a", 1, 0), TileStored(0, "a", 1000))
    assert tally.workers["a"].quantiles() == (1.0, 1.0)
    assert not tally.workers["a"].flying


def test_unknown_events_do_no_harm() -> None:
    """Events from a newer dispatcher are passed over."""
    assert tally_of(cast("Event", object())).news is None


def test_time_left_follows_the_recent_rate() -> None:
    """Unknown at first, then what is left at the rate of late; nothing once the run is over."""
    tally = tally_of(started(), TileStored(0, "a", 1000))
    assert tally_of(started()).left_s(5.0) is None
    assert tally.left_s(1.0) == pytest.approx(3.0)
    tally.handle(4.0, RunFinished())
    assert tally.left_s(9.0) is None
    assert (tally.elapsed_s(9.0), tally.rate(9.0)) == (4.0, 250.0)


@given(st.lists(st.integers(1, 40), max_size=4), st.integers(1, 70), st.integers(1, 140))
def test_a_map_of_stored_tiles_is_full(grid: list[int], rows: int, columns: int) -> None:
    """Every tile has a cell, cells know how many they have, and the picture fits."""
    tiles = math.prod(grid)
    step = max(1, tiles // 500)
    sparse, full = TileMap(tuple(grid)), TileMap(tuple(grid))
    for tile in range(0, tiles, step):
        sparse.count(tile, Place.FLYING, 1)
    for tile in range(min(tiles, 2000)):
        full.count(tile, Place.STORED, 1)
    picture = full.view(rows, columns)
    assert len(picture.looks) <= rows
    assert all(len(row) <= columns for row in picture.looks)
    if tiles <= 2000:
        assert {look for row in picture.looks for look in row} == {Look.STORED}
    assert Look.FLYING in {look for row in sparse.view(rows, columns).looks for look in row}


def test_the_map_shows_the_two_longest_axes_in_place() -> None:
    """Tile (2, 1, 3) of a (4, 2, 5) grid lies in row 2, column 3."""
    tiles = TileMap((4, 2, 5))
    tiles.count((2 * 2 + 1) * 5 + 3, Place.FLYING, 1)
    looks = tiles.view(ROWS, COLUMNS).looks
    assert [(r, c) for r in range(4) for c in range(5) if looks[r][c] is F] == [(2, 3)]
    assert tiles.depth == 2


def test_a_huge_grid_takes_no_memory_per_tile() -> None:
    """A grid of 2^40 tiles has as many cells as a small one, and finds its corners."""
    tally = tally_of(started((1 << 20, 1 << 20)), TileStored((1 << 40) - 1, "a", 1))
    picture = tally.map.view(10, 30)
    assert len(picture.looks) <= 10
    assert picture.looks[-1][-1] is P
    assert sum(look is not W for row in picture.looks for look in row) == 1


@pytest.mark.parametrize("grid", [(), (0,), (3, 0), (1, 1, 1)], ids=str)
def test_degenerate_grids(grid: tuple[int, ...]) -> None:
    """Scalars and empty arrays have maps too, of one cell or none."""
    tally = tally_of(started(grid))
    assert sum(len(row) for row in tally.map.view(5, 5).looks) <= 1


@pytest.mark.parametrize(
    "name",
    [
        *("text", "history.tile_map", "history.history", "display.json_lines", "display.listener"),
        *("hosts.addresses", "display.notebook"),
    ],
)
def test_examples_run(name: str) -> None:
    """What the docstrings show is what happens."""
    result = doctest.testmod(importlib.import_module(f"coordinator.{name}"))
    assert result.attempted > 0
    assert result.failed == 0
