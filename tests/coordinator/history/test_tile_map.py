"""The cells of a map of tiles."""

from __future__ import annotations

from coordinator.history.tile_map import MapCells


def test_folded_maps() -> None:
    """Each tile is in its cell, and no map is larger than a screen."""
    cells = MapCells((300, 2, 500), (64, 96))
    assert cells.shape == (60, 84)
    assert cells.fold == (5, 6)
    assert [cells.index(tile) for tile in (0, 1, 299_999)] == [0, 0, 60 * 84 - 1]
