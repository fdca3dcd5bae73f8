"""What the commands about arrays that are there already do with their files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from coordinator.difference import Cut, Difference, compare
from coordinator.provenance import find_provenance
from coordinator.run import tile_shape
from coordinator.stores.npy import open_npy
from tiling.grid import Grid
from tiling.halo import Halo


def diff_files(left: Path, right: Path, tile: Any = None) -> tuple[Difference, Cut | None]:
    """Compare two `.npy` files; also return the tiles that the places were told by.

    Parameters
    ----------
    left, right : Path
    tile : int or sequence of int, optional
        Shape of the tiles; what the provenance of either file says unless given.

    Raises
    ------
    TilefanError, TilingError
        If a file can't be read, or the tile is none.
    """
    a, b = open_npy(left).array, open_npy(right).array
    cut = cut_of(a.shape, tile, left, right)
    return compare(a, b, cut), cut


def cut_of(shape: tuple[int, ...], tile: Any, *made: Path) -> Cut | None:
    """Return how an array of this shape was cut: as `tile` says, or the first provenance found."""
    if (size := tile_shape(tile, len(shape))) is not None:
        return Cut(Grid(shape, size), Halo.none(len(shape)))
    for path in made:
        known = find_provenance(path)
        if known is not None and known.shape == shape:
            return Cut(Grid(shape, known.tile), Halo(*known.halo))
    return None
