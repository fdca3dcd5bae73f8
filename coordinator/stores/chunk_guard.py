"""Chunks that claim more memory than they may take: refused before they are read.

tensorstore reads all bytes of a key before it decodes them; see `places.codecs`.
"""

from __future__ import annotations

import itertools
import math
import os
import stat
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
import tensorstore as ts

from coordinator.errors import InputError, StoreError
from coordinator.stores.keys import open_keys, translated
from coordinator.stores.place import Place
from coordinator.stores.zarr_metadata import ZarrArray, codecs_of
from places.codecs import HEADER, present
from places.errors import PlaceError
from tiling.geometry.box import Box

MAX_REMEMBERED = 2**25
"""Chunks up to which it is remembered which were looked at."""

Span: TypeAlias = tuple[str, int, int]
"""A key, and bytes of it: start and stop; a start below 0 counts from the end."""

Index: TypeAlias = tuple[int, ...]


class ChunkGuard:
    """Looks at each chunk before it is read for the first time.

    Parameters
    ----------
    place : Place
        Of the array.
    array : ZarrArray
    name : str
        What people call it.
    """

    def __init__(self, place: Place, array: ZarrArray, name: str) -> None:
        self._place = place
        self._array = array
        self._name = name
        self._codecs = codecs_of(array.version, array.document, name)
        counts = [-(-n // size) for n, size in zip(array.shape, array.inner, strict=True)]
        remembered = math.prod(counts) <= MAX_REMEMBERED
        self._seen = np.zeros(counts, bool) if remembered else None

    def check(self, box: Box) -> None:
        """Look at the chunks of a box.

        Raises
        ------
        InputError
            If one of them would take more memory than a chunk may; it says which.
        StoreError
            If the system does not let it be looked at.
        """
        try:
            self._look([*self._fresh(box)])
        except OSError as error:
            raise StoreError(
                f"{self._name}: can't be read: {error.filename}: {error.strerror}"
            ) from error

    def _look(self, fresh: Sequence[Index]) -> None:
        if not fresh:
            return
        spans = [*(self._in_shards(fresh) if self._codecs.shard else self._alone(fresh))]
        for span in spans:
            self._check(span, b"")
        if self._codecs.has_blosc:
            heads = [(key, start, start + HEADER) for key, start, _ in spans]
            for span, head in zip(spans, self._read(heads), strict=True):
                self._check(span, head)
        if self._seen is not None:
            for index in fresh:
                self._seen[index] = True

    def _check(self, span: Span, head: bytes) -> None:
        key, start, stop = span
        try:
            self._codecs.check_span(stop - start, head, self._array.inner_bytes)
        except PlaceError as error:
            raise InputError(f"{self._name}: {key}: {error}") from None

    def _fresh(self, box: Box) -> Iterator[Index]:
        """Yield the chunks of a box that were not looked at."""
        each = zip(box.start, box.stop, self._array.inner, strict=True)
        ranges = [range(start // size, -(-stop // size)) for start, stop, size in each]
        seen = self._seen
        if seen is None:
            yield from itertools.product(*ranges)
        elif not seen[tuple(slice(each.start, each.stop) for each in ranges)].all():
            yield from (index for index in itertools.product(*ranges) if not seen[index])

    def _alone(self, chunks: Sequence[Index]) -> Iterator[Span]:
        """Yield the bytes of chunks that are keys; of unknown length where it takes a request."""
        for key in map(self._array.key_of, chunks):
            if self._place.remote:
                yield key, 0, 0
            elif (size := _file_bytes(self._place, key, self._name)) is not None:
                yield key, 0, size

    def _in_shards(self, chunks: Sequence[Index]) -> Iterator[Span]:
        """Yield the bytes of chunks in shards, as these say."""
        array = self._array
        per = [outer // inner for outer, inner in zip(array.chunk, array.inner, strict=True)]
        within: dict[Index, list[Index]] = {}
        for chunk in chunks:
            shard = tuple(place // n for place, n in zip(chunk, per, strict=True))
            place = tuple(place % n for place, n in zip(chunk, per, strict=True))
            within.setdefault(shard, []).append(place)
        keys = [*map(array.key_of, within)]
        start, stop = self._codecs.index_span(array.chunks_in_shard)
        indices = self._read([(key, start, stop) for key in keys])
        for key, places, data in zip(keys, within.values(), indices, strict=True):
            if not data:
                continue
            index = np.frombuffer(data, "<u8", 2 * math.prod(per)).reshape(*per, 2)
            wanted = np.stack([index[place] for place in places])
            yield from ((key, *span) for span in present(wanted.tobytes(), len(places)))

    def _read(self, spans: Sequence[Span]) -> list[bytes]:
        """Read bytes of keys, those of a bucket at a time; b"" of a key that is not there."""
        if not self._place.remote:
            return [_part_of_file(self._place, span, self._name) for span in spans]
        keys = open_keys(self._place)
        futures = [
            keys.read(key, byte_range=slice(start, stop or None)) for key, start, stop in spans
        ]
        return [_result(future, self._name) for future in futures]


def _result(future: ts.Future[Any], name: str) -> bytes:
    with translated(name, InputError):
        value: bytes = future.result().value
    return value


def _file_bytes(place: Place, key: str, name: str) -> int | None:
    """Return the size of a file; None if there is none."""
    try:
        status = (place.path / key).stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    if not stat.S_ISREG(status.st_mode):
        raise InputError(f"{name}: {key}: is no file")
    return status.st_size


def _part_of_file(place: Place, span: Span, name: str) -> bytes:
    key, start, stop = span
    size = _file_bytes(place, key, name)
    if size is None:
        return b""
    if start < 0:
        start, stop = size + start, size
    if not 0 <= start <= stop <= size:
        raise InputError(f"{name}: {key}: is cut short")
    with (place.path / key).open("rb", buffering=0) as file:
        return os.pread(file.fileno(), stop - start, start)
