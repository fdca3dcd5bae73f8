"""An input whose samples lie in a file one after another, read block by block.

It is mapped too, for whoever looks at a few samples; no block is read through the map.
"""

from __future__ import annotations

import mmap
import os
from dataclasses import dataclass

import numpy as np

from coordinator.errors import InputError
from coordinator.stores.flat_file import FlatFile, open_file
from coordinator.stores.layout import Layout
from coordinator.stores.memory import ArraySource, view
from coordinator.stores.outline import Order, Outline, data_bytes, mapped
from coordinator.stores.place import Place
from coordinator.stores.stored import StoredHere
from tiling.dtypes import Array
from tiling.geometry.box import Box
from tiling.geometry.edges import segments
from tiling.protocol.places import StoredArray


@dataclass(frozen=True, slots=True)
class FlatSource(ArraySource):
    """Samples in a file; `array` is a map of it, for whoever looks at a few of them."""

    flat: FlatFile | None = None

    @property
    def stored(self) -> StoredHere | None:
        """The file, for others to open."""
        assert self.flat is not None  # noqa: S101 -- `open_flat` gives it
        is_c = self.array.flags.c_contiguous
        path, offset = os.path.realpath(self.flat.file.name), self.flat.offset
        order: Order = "C" if is_c else "F"
        array = StoredArray("flat", path, self.shape, self.dtype.str, offset, order)
        return StoredHere.of(array, self.flat.file.fileno())

    def read(self, box: Box) -> Array:
        """Return a copy of the block of a box; see `coordinator.stores.Source`.

        Raises
        ------
        InputChangedError
            If the file was cut short.
        StoreError
            If the system does not let it be read.
        """
        assert self.flat is not None  # noqa: S101 -- `open_flat` gives it
        array, is_c = self.array, self.array.flags.c_contiguous
        block: Array = np.empty(box.shape, array.dtype, "C" if is_c else "F")
        for there, here in segments(box, array.shape):
            part = view(block, here)
            if is_c:
                self.flat.read_box(there.start, part)
            else:
                self.flat.read_box(there.start[::-1], part.T)
        return block.astype(array.dtype.newbyteorder("="), copy=False)


def open_flat(place: Place, layout: Layout) -> FlatSource:
    """Open a file and map its samples.

    Raises
    ------
    InputError
        If the file ends before they do.
    OSError
        If the system does not let it be read.
    """
    file, offset = open_file(str(place.path)), layout.offset or 0
    size = data_bytes(layout.shape, layout.dtype)
    present = max(0, os.fstat(file.fileno()).st_size - offset)
    if present < size:
        raise InputError(
            f"{place}: truncated: its header announces {size} bytes of data, {present} follow: "
            "save or copy it again"
        )
    outline = Outline(layout.shape, layout.dtype, offset, offset + size, (), layout.order)
    if size:
        array = mapped(mmap.mmap(file.fileno(), outline.length, access=mmap.ACCESS_READ), outline)
    else:
        array = np.empty(layout.shape, layout.dtype, layout.order)
    # An array of one axis, or with one sample only, is in both orders.
    shape = array.shape if array.flags.c_contiguous else array.shape[::-1]
    flat = FlatFile(file, str(place), offset, shape)
    return FlatSource(array, str(place), layout.about, flat)
