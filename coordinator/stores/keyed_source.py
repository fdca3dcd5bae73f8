"""An input that is stored in chunks, each a key of its own: read block by block, and decoded once.

Neighbouring tiles read the chunks between them, each for its halo. So decoded chunks are kept: as
many as lie round one, for each thread, as far as the bound of memory allows.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorstore as ts

from coordinator.errors import InputError
from coordinator.interruption import let_in
from coordinator.machine import usable_cores
from coordinator.stores.chunk_guard import ChunkGuard
from coordinator.stores.file_state import FileState, files_read
from coordinator.stores.keys import context, spec_of, translated
from coordinator.stores.memory import view
from coordinator.stores.pieces import Pieces, whole_chunks
from coordinator.stores.place import Place
from coordinator.stores.scratch import scratch
from coordinator.stores.stored import StoredHere, stored_at, stored_in
from coordinator.stores.zarr_metadata import ZarrArray
from tiling.dtypes import Array, Dtype
from tiling.geometry.box import Box
from tiling.geometry.edges import segments
from tiling.geometry.grid import Grid
from tiling.protocol.places import is_in_bucket

CACHE_BYTES = 2**28
"""Of decoded chunks, unless there is another bound."""

MAX_COUNTED = 2**20
"""Chunks up to which the missing ones are counted."""

MAX_WATCHED = 64
"""Chunks in a bucket that are looked at again when a run ends; of more, some from all of them."""

PIECE_BYTES = 2**26
"""Of an array that is decoded as a whole, at a time."""


class KeyedSource:
    """An array in chunks.

    Parameters
    ----------
    place : Place
        Of the chunks: of the array itself, not of its group.
    metadata : ZarrArray
    name : str
        What people call it.
    """

    def __init__(self, place: Place, metadata: ZarrArray, name: str) -> None:
        self.place = place
        self.about = metadata
        self.name = name
        self._guard = ChunkGuard(place, metadata, name)
        self._pieces = Pieces(metadata.inner, metadata.shape, metadata.dtype)
        around: int = 3 ** len(metadata.shape)
        self._wanted_bytes = around * metadata.inner_bytes * usable_cores()
        self.cache_bytes = min(self._wanted_bytes, CACHE_BYTES)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the whole array."""
        return self.about.shape

    @property
    def dtype(self) -> Dtype:
        """Of the whole array."""
        return self.about.dtype

    @property
    def chunks(self) -> tuple[int, ...]:
        """What is read at once: a shard, where there are shards."""
        return self.about.grain

    @property
    def stored(self) -> StoredHere | None:
        """Where it is, for others to open; None of what is on a web server."""
        return self._in_bucket if self.place.remote else stored_in(self.place.path, self.about)

    @functools.cached_property
    def _in_bucket(self) -> StoredHere | None:
        url = self.place.url.rstrip("/")
        return stored_at(url, self.about) if is_in_bucket(url) else None

    @functools.cached_property
    def _store(self) -> Any:
        store = ts.open(
            array_spec(spec_of(self.place), self.about),
            open=True,
            read=True,
            assume_metadata=True,
            context=context(self.cache_bytes),
        )
        return store.result()

    def bound_memory(self, most_bytes: int | None) -> int:
        """Take no more than so many bytes for chunks, if one needs no more; return how many.

        Those in flight are counted twice: encoded and decoded.
        """
        if most_bytes is None:
            return self.cache_bytes + 2 * self._pieces.window_bytes
        in_flight = 2 * self._pieces.bound(most_bytes // 4)
        self.cache_bytes = min(self._wanted_bytes, max(0, most_bytes - in_flight))
        vars(self).pop("_store", None)
        return self.cache_bytes + in_flight

    def check(self) -> None:
        """Have tensorstore look at the metadata.

        Raises
        ------
        InputError
            If it can't read such an array.
        """
        with translated(f"{self.name}: can't be read as zarr", InputError):
            _ = self._store

    def read(self, box: Box) -> Array:
        """Return a copy of the block of a box; see `coordinator.stores.Source`.

        Raises
        ------
        InputError
            If a chunk is damaged, or can't be read.
        """
        native = self.dtype.newbyteorder("=")
        if 0 in box.shape:
            return np.empty(box.shape, native)
        pieces = list(segments(box, self.shape))
        if len(pieces) == 1:
            return self._read(pieces[0][0])
        block = np.empty(box.shape, native)
        for there, here in pieces:
            block[here.slices] = self._read(there)
        return block

    def _read(self, box: Box) -> Array:
        block = np.empty(box.shape, self.dtype.newbyteorder("="))

        def begin(there: Box, here: Box) -> Any:
            self._guard.check(there)
            return ts.array(view(block, here)).write(self._store[(*there.slices, ...)]).commit

        with translated(self.name, InputError):
            self._pieces.each(box, begin)
        return block

    @functools.cached_property
    def array(self) -> Array:
        """All of it, decoded: in memory while small, in a nameless file when large."""
        what = f"for the samples of {self.name}, which are in chunks"
        array = scratch(self.shape, self.dtype, what=what)
        grain = tuple(max(1, length) for length in self.chunks)
        grid = Grid(self.shape, whole_chunks(grain, self.shape, self.dtype, PIECE_BYTES))
        for index in range(len(grid)):
            let_in()
            box = grid.box(index)
            view(array, box)[...] = self.read(box)
        return array

    @functools.cached_property
    def reads(self) -> Mapping[Path, FileState]:
        """What is in a bucket: some of its chunks; a folder is looked at as a whole."""
        if not (self.place.remote and is_in_bucket(self.place.url)):
            return {}
        return {self.place.path: FileState.of(self.place, self._watched())}

    def _watched(self) -> tuple[str, ...]:
        """Return keys of chunks, the first and the last among them."""
        each = zip(self.shape, self.about.chunk, strict=True)
        counts = tuple(-(-length // size) for length, size in each)
        last = math.prod(counts) - 1
        some = {last * number // (MAX_WATCHED - 1) for number in range(MAX_WATCHED)}
        indices = (np.unravel_index(number, counts) for number in sorted(some) if last >= 0)
        return tuple(self.about.key_of([int(at) for at in index]) for index in indices)

    def notes(self) -> tuple[str, ...]:
        """Tell of chunks that are missing."""
        if (missing := self.missing()) and missing[0]:
            of = f"{missing[0]} of {missing[1]}"
            return (f"{of} chunks of the input are missing: read as fill values",)
        return ()

    def missing(self) -> tuple[int, int] | None:
        """Count chunks that are not there, which read as the fill value, and all; None if unknown.

        Of chunks in shards, the shards are counted.
        """
        return None if self.place.remote else missing_keys(self.place.path, self.about)


def missing_keys(folder: Path, array: ZarrArray) -> tuple[int, int] | None:
    """Count the keys of an array that have no file in its folder, and all; None of too many."""
    count = math.prod(-(-n // size) for n, size in zip(array.shape, array.chunk, strict=True))
    if count > MAX_COUNTED:
        return None
    root = f"{folder}/"
    files = files_read(folder) if folder.is_dir() else ()
    found = sum(array.has_key(entry.path.removeprefix(root)) for entry in files)
    return count - found, count


def array_spec(keys: dict[str, Any], array: ZarrArray) -> dict[str, Any]:
    """Return what tensorstore calls an array whose metadata is known."""
    return {
        "driver": "zarr3" if array.version == 3 else "zarr",
        "kvstore": keys,
        "metadata": array.bare(),
        # A chunk that is not there is one that was never written.
        "store_data_equal_to_fill_value": True,
    }
