"""The middle slice of an array, as far as a picture shows it: no more than its lines is read."""

from __future__ import annotations

import itertools

import numpy as np

from coordinator.history.tile_map import longest_axes
from coordinator.stores import Source
from tiling.dtypes import Array
from tiling.geometry.box import Box


def middle_plane(source: Source, step: int) -> Array:
    """Return every `step`-th sample of the middle slice along the two longest axes.

    An array of fewer axes is a row; one whose only further axis has three samples, as colours
    have, keeps them.
    """
    shape = source.shape
    if len(shape) < 2:
        places = itertools.product(*(range(0, length, step) for length in shape))
        samples = [source.read(Box(at, tuple(place + 1 for place in at))) for at in places]
        return np.array(samples).reshape(1, -1)
    axes = longest_axes(shape)
    colours = shape[2:] == (3,) and axes == (0, 1)
    start, stop = [0] * len(shape), list(shape)
    for axis in set(range(len(shape))) - set(axes):
        if not colours:
            start[axis], stop[axis] = shape[axis] // 2, shape[axis] // 2 + 1
    across = _dense(source, axes)
    (down,) = set(axes) - {across}
    lines = []
    for place in range(0, shape[down], step):
        start[down], stop[down] = place, place + 1
        block = source.read(Box(tuple(start), tuple(stop)))
        lines.append(block.reshape(-1, 3 if colours else 1)[::step])
    plane: Array = np.stack(lines, axis=int(across < down))
    return plane if colours else plane[..., 0]


def _dense(source: Source, axes: tuple[int, int]) -> int:
    """Return the axis along which memory is read in fewer pieces, by the layout of a block."""
    corner = tuple(min(length, 2) for length in source.shape)
    strides = source.read(Box((0,) * len(corner), corner)).strides
    return min(reversed(axes), key=lambda axis: abs(strides[axis]))
