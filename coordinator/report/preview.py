"""A picture of before, after and the difference, side by side, with the seams marked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from coordinator.history.tile_map import longest_axes
from coordinator.report import png
from coordinator.report.plane import middle_plane
from coordinator.report.png import Bytes
from coordinator.stores import Source
from tiling.dtypes import Array
from tiling.geometry.grid import Grid

SIDE: Final = 640
"""Pixels of a panel's longer side, at most."""

GAP: Final = 8
SEAM: Final = (255, 59, 127)


def preview(before: Source, after: Source, grid: Grid | None) -> Bytes:
    """Return the panels as RGB pixels.

    Parameters
    ----------
    before, after : Source
        Of one shape, and of which any box may be read.
    grid : Grid, optional
        The tiles whose seams are marked.
    """
    step = png.step_for(before.shape, SIDE)
    planes = [middle_plane(source, step) for source in (before, after)]
    low, high = png.limits(*planes)
    panels = [_coloured(png.shades(plane, low, high)) for plane in planes]
    with np.errstate(invalid="ignore", over="ignore"):
        apart = np.abs(_wide(planes[1]) - _wide(planes[0]))
    panels.append(_coloured(png.shades(apart, 0.0, png.limits(apart)[1])))
    if grid is not None and len(before.shape) > 1:
        for panel in panels:
            _mark(panel, grid, step)
    return _side_by_side(panels)


def _wide(plane: Array) -> Array:
    return plane.astype(np.complex128 if plane.dtype.kind == "c" else np.float64)


def _coloured(pixels: Bytes) -> Bytes:
    return pixels if pixels.ndim == 3 else np.repeat(pixels[:, :, None], 3, axis=2)


def _mark(panel: Bytes, grid: Grid, step: int) -> None:
    """Colour the first row and column of each tile, unless every other one would be coloured."""
    down, across = longest_axes(grid.shape)
    for axis, rows in ((down, panel), (across, panel.swapaxes(0, 1))):
        size = grid.tile[axis]
        if size >= 3 * step:
            for start in range(size, grid.shape[axis], size):
                rows[min(start // step, len(rows) - 1)] = SEAM


def _side_by_side(panels: Sequence[Bytes]) -> Bytes:
    gap = np.full((panels[0].shape[0], GAP, 3), 255, np.uint8)
    return np.concatenate([panels[0], gap, panels[1], gap, panels[2]], axis=1)
