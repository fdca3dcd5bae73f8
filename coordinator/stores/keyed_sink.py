"""An output stored in chunks, each a key of its own: what makes them an array comes last."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorstore as ts

from coordinator.errors import StoreError
from coordinator.stores.keyed_homes import Home
from coordinator.stores.keyed_source import array_spec, missing_keys
from coordinator.stores.keys import check_length, context, spec_of, translated
from coordinator.stores.memory import view
from coordinator.stores.nonce import remove as remove_nonce
from coordinator.stores.ome_zarr import Level, level_path
from coordinator.stores.partial import Growing, lock_folder, nonce_path, release
from coordinator.stores.pieces import Pieces
from coordinator.stores.place import Place
from coordinator.stores.pyramid import Half, fill
from coordinator.stores.stored import StoredHere, stored_in
from coordinator.stores.zarr_metadata import ZarrArray
from tiling.dtypes import Array, Dtype
from tiling.geometry.box import Box

INLINE = {"kind": "inline", "must_understand": False}
"""What zarr-python says of metadata that a group of version 3 repeats."""


@dataclass(frozen=True, slots=True)
class Keys:
    """What makes chunks an array: keys, with their values, in the order that they are written.

    Parameters
    ----------
    documents : mapping of str to bytes
    inside : str
        Where the chunks are, if the array is one of a group.
    """

    documents: Mapping[str, bytes]
    inside: str = ""

    @classmethod
    def of(cls, array: ZarrArray, halves: Sequence[Half] = ()) -> Keys:
        """Return those of an array; in an image's group if it is a level of one, with others.

        Raises
        ------
        InputError
            If one would be too long to be read again.
        """
        named = _named(array, "") if array.level is None else _image(array, array.level, halves)
        inside = f"{level_path(0)}/" if array.level else ""
        documents = {key: json.dumps(value, indent=2).encode() for key, value in named.items()}
        for key, document in documents.items():
            check_length(document, f"the output's {key}")
        return cls(documents, inside)


def _named(array: ZarrArray, inside: str) -> dict[str, Any]:
    if array.version == 3:
        return {f"{inside}zarr.json": array.document}
    attributes = {f"{inside}.zattrs": array.attributes} if array.attributes else {}
    return {**attributes, f"{inside}.zarray": array.document}


def _image(array: ZarrArray, level: Level, halves: Sequence[Half]) -> dict[str, Any]:
    """Return those of an image: of its levels first, and repeated if the input's are."""
    levels = (array, *(half.array for half in halves))
    paths = [level_path(number) for number in range(len(levels))]
    attributes = level.image([half.factors for half in halves])
    named: dict[str, Any] = {}
    for path, each in zip(paths, levels, strict=True):
        named |= _named(each, f"{path}/")
    if array.version == 3:
        group = {"zarr_format": 3, "node_type": "group", "attributes": attributes}
        if level.consolidated:
            within = {path: each.document for path, each in zip(paths, levels, strict=True)}
            group["consolidated_metadata"] = {**INLINE, "metadata": within}
        return {**named, "zarr.json": group}
    last = {".zgroup": {"zarr_format": 2}}
    named[".zattrs"] = attributes
    if level.consolidated:
        named[".zmetadata"] = {"zarr_consolidated_format": 1, "metadata": {**named, **last}}
    return {**named, **last}


class KeyedSink(Growing):
    """An array that can be seen when it is whole; make one with `KeyedSink.create`."""

    def __init__(
        self,
        name: str,
        home: Home,
        keys: Keys,
        array: ZarrArray,
        halves: Sequence[Half],
        descriptor: int,
        *,
        overwrite: bool,
        sync: bool,
    ) -> None:
        super().__init__(home.path, name, descriptor, "this")
        self.dtype: Dtype = array.dtype.newbyteorder("=")
        self._home = home
        self._keys = keys
        self._pieces = Pieces(array.chunk, array.shape, array.dtype)
        self._array = array
        self._overwrite = overwrite
        self._sync = sync
        self._halves = halves
        self._store = self._open(array, keys.inside)

    @classmethod
    def create(
        cls,
        name: str,
        home: Home,
        keys: Keys,
        array: ZarrArray,
        halves: Sequence[Half] = (),
        *,
        keep: bool = False,
        overwrite: bool = True,
        sync: bool = True,
    ) -> KeyedSink:
        """Take the place where chunks grow.

        Parameters
        ----------
        name : str
            What people call it.
        home : Home
        keys : Keys
        array : ZarrArray
        halves : sequence of Half
            Further levels of its image.
        keep : bool
            Whether to leave the chunks of an unfinished run; it is for the caller to know which of
            them are good.
        overwrite : bool
            Whether an array that is at the final path in the end may be replaced.
        sync : bool
            Whether the bytes are on the disk before the name is.

        Raises
        ------
        StoreError
            If another coordinator writes the same output, or the system forbids it.
        InputError
            If something is there that can't be replaced.
        """
        descriptor = lock_folder(home.path)
        try:
            remove_nonce(nonce_path(home.path))  # workers of a killed run write no more
            home.begin(keep=keep)
            return cls(name, home, keys, array, halves, descriptor, overwrite=overwrite, sync=sync)
        except BaseException as error:  # an interruption too must leave nothing
            if not keep:
                home.discard()
            release(descriptor)
            if isinstance(error, OSError):
                raise StoreError(f"{name}: can't be written: {error.strerror}") from error
            raise

    def _open(self, array: ZarrArray, inside: str) -> Any:
        spec = spec_of(Place(self._home.place.path / inside))
        with translated(f"{self.name}: can't be written", StoreError):
            return ts.open(
                array_spec(spec, array),
                create=True,
                open=True,
                assume_metadata=True,
                context=context(),
            ).result()

    @property
    def stored(self) -> StoredHere | None:
        """Where chunks grow, for others to write them; None of what is not on this machine."""
        place = self._home.place
        if place.remote:
            return None
        return stored_in(place.path / self._keys.inside, self._array, grows=True)

    def region(self, box: Box) -> Array:
        """Return an array of the shape of a box."""
        return np.empty(box.shape, self.dtype)

    def store(self, box: Box, block: Array) -> None:
        """Write the chunks of a box.

        Raises
        ------
        StoreError
            If they can't be written.
        """

        def begin(there: Box, here: Box) -> Any:
            return self._store[(*there.slices, ...)].write(view(block, here)).commit

        if block.size:
            with translated(f"{self.name}: can't be written", StoreError):
                self._pieces.each(box, begin)

    def read(self, box: Box) -> Array:
        """Return the block of a box, from its chunks.

        Raises
        ------
        StoreError
            If a chunk is damaged, or gone.
        """
        self._check_chunks(box)
        block = self.region(box)

        def begin(there: Box, here: Box) -> Any:
            return ts.array(view(block, here)).write(self._store[(*there.slices, ...)]).commit

        if block.size:
            with translated(f"{self.name}: can't be read again", StoreError):
                self._pieces.each(box, begin)
        return block

    def _publish(self) -> None:
        self._check_there()
        self._check_keys()
        store = self._store
        for number, half in enumerate(self._halves, 1):
            before, store = store, self._open(half.array, f"{level_path(number)}/")
            with translated(f"{self.name}: level {number} can't be written", StoreError):
                fill(store, before, half)
        overwrite, sync = self._overwrite, self._sync
        self._home.publish(self._keys.documents, overwrite=overwrite, sync=sync)

    def _check_chunks(self, box: Box) -> None:
        """Refuse to read a chunk that somebody has removed: it would be the fill value."""
        place, array = self._home.place, self._array
        if place.remote or not math.prod(box.shape):
            return
        axes = zip(box.start, box.stop, array.chunk, strict=True)
        for index in itertools.product(*(range(a // n, -(-b // n)) for a, b, n in axes)):
            key = f"{self._keys.inside}{array.key_of(index)}"
            if not (place.path / key).is_file():
                raise StoreError(f"{self.name}: its chunk {key} was removed by somebody")

    def _check_keys(self) -> None:
        """Refuse to make an array of chunks of which somebody has removed some."""
        place = self._home.place
        if place.remote:
            return
        missing = missing_keys(place.path / self._keys.inside.rstrip("/"), self._array)
        if missing is not None and missing[0]:
            of = f"{missing[0]} of its {missing[1]} chunks"
            raise StoreError(f"{self.name}: {of} were removed by somebody; go on with --resume")

    def _settle(self) -> None:
        self._home.clear()

    def _remove(self) -> None:
        self._home.discard()
