"""A script of events for displays, the same each time, without a clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from coordinator.display.tally import Tally
from coordinator.events import (
    RunStarted,
    TileAnswered,
    TileSent,
    TileStored,
    WorkerLost,
    WorkerReady,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coordinator.events import Event

EVIL = "[red]x[/red]\x1b[2J\x1b]0;title\x07\u202e\r\n" + "é\u0301" * 50 + "A" * 10_000
TILE = 1_500_000


def script(
    workers: int = 3, grid: tuple[int, int] = (5, 6), stored: int = 20
) -> Iterator[tuple[float, Event]]:
    """Play a run: `stored` tiles done in turn, three more under way, one lost worker if several."""
    tiles, names = grid[0] * grid[1], tuple(f"node{i}:8080" for i in range(1, workers + 1))
    yield (
        0.0,
        RunStarted(
            "hubble.npy", "hubble.blur.npy", "gaussian_filter sigma=2,2,0", (1024, 768, 3),
            "int32", (205, 128, 3), (*grid, 1), tiles, tiles * TILE, tiles * TILE, 0.031, names,
            expected_s=8.0,
        ),
    )  # fmt: skip
    for name in names:
        yield 0.1, WorkerReady(name, 2)
    now = 0.1
    for tile in range(stored):
        name = names[tile % len(names)]
        yield now, TileSent(tile, name, 1, TILE)
        yield now + 0.3, TileAnswered(tile, name, 1, "digest", TILE)
        now += 0.4
        yield now, TileStored(tile, name, TILE)
    for tile in range(stored, min(stored + 3, tiles)):
        yield now, TileSent(tile, names[0], 1, TILE)
    if stored < tiles and workers > 1:
        yield now + 0.1, WorkerLost(names[-1], "connection refused")


def play(**how: Any) -> tuple[Tally, float]:
    tally, now = Tally(), 0.0
    for now, event in script(**how):
        tally.handle(now, event)
    return tally, now
