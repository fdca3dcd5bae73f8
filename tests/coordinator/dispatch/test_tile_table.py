"""The states of a tile, and the sums over the tiles."""

from __future__ import annotations

import pytest

from coordinator.dispatch.errors import InvariantError
from coordinator.dispatch.tile_table import (
    REMEMBERED,
    TILE_TRANSITIONS,
    OpenTile,
    TileSignal,
    TileState,
    TileTable,
)
from tests.coordinator.dispatch.simulation import even_works


def table_of(tiles: int) -> TileTable:
    """Return a table whose plan has these tiles, of 1,000,000 bytes each."""
    return TileTable(iter(even_works(tiles)))


def pull(table: TileTable) -> OpenTile:
    """Open the next tile of the plan."""
    table.peek()
    return table.pull()


@pytest.mark.parametrize("signal", TileSignal)
@pytest.mark.parametrize("state", TileState)
def test_a_signal_follows_the_table_or_is_an_error(state: TileState, signal: TileSignal) -> None:
    """A transition that is not in the table is an error."""
    (work,) = even_works(1)
    tile = OpenTile(work, state)
    after = TILE_TRANSITIONS.get((state, signal))
    if after is None:
        with pytest.raises(InvariantError, match=state):
            table_of(0).signal(tile, signal, 0.0)
    else:
        table_of(0).signal(tile, signal, 0.0)
    assert tile.state is (after or state)


def test_each_state_is_reached_and_the_last_two_are_left_by_nothing() -> None:
    """From PLANNED one gets everywhere; STORED and FAILED are ends."""
    reached = {TileState.PLANNED}
    for _ in TileState:
        reached |= {after for (before, _), after in TILE_TRANSITIONS.items() if before in reached}
    assert reached == set(TileState)
    left = {before for before, _ in TILE_TRANSITIONS}
    assert set(TileState) - left == {TileState.STORED, TileState.FAILED}


def test_each_signal_has_a_transition() -> None:
    """A signal without one could never be given."""
    assert {signal for _, signal in TILE_TRANSITIONS} == set(TileSignal)


def test_bytes_are_counted_from_sending_to_storing() -> None:
    """An attempt has both bodies in flight, an accepted answer has its own."""
    table = table_of(1)
    tile = pull(table)
    attempt = table.send(tile, "a", 0.0, hedge=False)
    assert (table.tiles_in_flight, table.in_flight_bytes) == (1, 1_000_000)
    table.end_attempt(tile, attempt, reported=True)
    table.accept(tile, attempt, "digest", 1.0)
    table.store(tile)
    assert (table.tiles_in_flight, table.in_flight_bytes) == (0, 500_000)
    table.stored(0, 3.0)
    assert table.in_flight_bytes == 0
    assert tile.state is TileState.STORED


def test_a_bounded_number_of_accepted_tiles_is_remembered() -> None:
    """The oldest is forgotten."""
    table = table_of(REMEMBERED + 1)
    for _ in range(REMEMBERED + 1):
        tile = pull(table)
        first = table.send(tile, "a", 0.0, hedge=False)
        table.send(tile, "b", 1.0, hedge=True)
        table.accept(tile, first, "digest", 2.0)
    assert len(table.accepted) == REMEMBERED
    assert 0 not in table.accepted
