"""An input whose samples lie in a file one after another, read block by block.

Nothing is mapped; see `coordinator.stores.flat_file`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from coordinator.errors import InputError
from coordinator.stores.file_state import FileState
from coordinator.stores.flat_file import FlatFile, open_file
from coordinator.stores.layout import Layout
from coordinator.stores.memory import view
from coordinator.stores.outline import data_bytes
from coordinator.stores.place import Place
from coordinator.stores.stored import StoredHere
from tiling.dtypes import Array, Dtype
from tiling.geometry.box import Box
from tiling.geometry.edges import segments
from tiling.protocol.places import StoredArray


@dataclass(frozen=True, slots=True)
class FlatSource:
    """Samples in a file; make one with `open_flat`."""

    name: str
    layout: Layout
    flat: FlatFile

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the whole array."""
        return self.layout.shape

    @property
    def dtype(self) -> Dtype:
        """Of the whole array, as it is stored."""
        return self.layout.dtype

    @property
    def chunks(self) -> tuple[int, ...]:
        """(): any box may be read."""
        return ()

    @property
    def about(self) -> Any:
        """See `coordinator.stores.FileSource`."""
        return self.layout.about

    @property
    def reads(self) -> Mapping[Path, FileState]:
        """See `coordinator.stores.FileSource`."""
        return self.layout.reads

    def notes(self) -> tuple[str, ...]:
        """See `coordinator.stores.FileSource`."""
        return self.layout.notes

    def bound_memory(self, most_bytes: int | None) -> int:  # noqa: ARG002 -- as every source's
        """Keep nothing: no block is decoded."""
        return 0

    @property
    def array(self) -> Array:
        """All of it, read anew."""
        return self.read(Box.whole(self.shape))

    @property
    def stored(self) -> StoredHere | None:
        """The file, for others to open."""
        path, offset = os.path.realpath(self.flat.file.name), self.flat.offset
        array = StoredArray("flat", path, self.shape, self.dtype.str, offset, self.layout.order)
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
        order = self.layout.order
        block: Array = np.empty(box.shape, self.dtype, order)
        for there, here in segments(box, self.shape):
            part = view(block, here)
            if order == "C":
                self.flat.read_box(there.start, part)
            else:
                self.flat.read_box(there.start[::-1], part.T)
        return block.astype(self.dtype.newbyteorder("="), copy=False)


def open_flat(place: Place, layout: Layout) -> FlatSource:
    """Open a file whose samples lie as its layout says.

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
    shape = layout.shape if layout.order == "C" else layout.shape[::-1]
    return FlatSource(str(place), layout, FlatFile(file, str(place), offset, shape))
