"""Places that coordinators have offered: opened anew for each tile, and read and written there.

Nothing is kept open: a store can be unmounted, and a file that somebody deletes is gone. So each
tile makes sure that it is what was offered. An output is written to only while the nonce lies
beside it, under a shared lock: whoever takes it away has an exclusive one, so that no late tile is
written into an output that is finished.
"""

from __future__ import annotations

import fcntl
import os
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from threading import Lock
from typing import Any

import numpy as np
import xxhash

from places.below import regular_file
from places.boxes import ChunkCache
from places.boxes import read_box as read_chunks
from places.buckets import AHEAD_BYTES, BucketChunks
from places.chunk_files import ChunkFiles
from places.chunk_files import write_box as write_chunks
from places.chunks import Chunked
from places.errors import PlaceError, RefusedPlaceError
from places.flat import Flat, read_box
from places.network import boot, identity, is_local
from places.roots import Roots
from tiling.dtypes import Array
from tiling.geometry.box import Box
from tiling.protocol.places import (
    METADATA,
    NONCE_BYTES,
    REFUSED,
    Offer,
    StoredArray,
    digest_of,
    is_nonce,
)
from tiling.protocol.references import UNKNOWN_PLACE, UNREAD, UNWRITTEN


@dataclass(frozen=True, slots=True)
class Place:
    """An offer that was taken.

    Parameters
    ----------
    digest : str
    offer : Offer
    read_from, write_to : tuple of int
        What tells the file, or the folder, from all others; ``write_to`` is () if nothing may be
        written.
    """

    digest: str
    offer: Offer
    read_from: tuple[int, int]
    write_to: tuple[int, int] | tuple[()]

    @property
    def beside_bytes(self) -> int:
        """Memory that reading or writing takes besides the block."""
        return _beside_bytes(self.offer, _chunk_bytes(self.offer))


class Places:
    """What this worker opens for coordinators.

    Parameters
    ----------
    roots : Roots
    most : int
        Offers that are remembered; the least recently used one is forgotten.
    cache_bytes : int
        Of decoded chunks.
    chunk_bytes : int
        Of a chunk, decoded, at most.
    """

    def __init__(self, roots: Roots, most: int, cache_bytes: int, chunk_bytes: int) -> None:
        self._roots = roots
        self._most = most
        self._chunk_bytes = chunk_bytes
        self._cache = ChunkCache(cache_bytes)
        self._lock = Lock()
        self._places: OrderedDict[str, Place] = OrderedDict()

    @property
    def is_open(self) -> bool:
        """Whether there is any folder to serve from."""
        return self._roots.any

    def looking_bytes(self, offer: Offer) -> int:
        """Return the memory that opening what is offered takes: larger chunks are refused."""
        return _beside_bytes(offer, min(_chunk_bytes(offer), self._chunk_bytes))

    def take(self, body: bytes) -> dict[str, Any]:
        """Open what is offered; return what is seen there, in JSON's types.

        Parameters
        ----------
        body : bytes
            Of a request, not checked.

        Raises
        ------
        RefusedPlaceError
            If the input can't be read here.
        WireError
            If the offer makes no sense.
        """
        offer, digest = Offer.decode(body), digest_of(body)
        self._cache.forget(digest)
        with _refused(REFUSED, offer.read.path):
            seen, read_from = self._look(offer.read)
            seen["samples"] = self._samples(digest, offer)
        said: dict[str, Any] = {"place": digest, "boot": boot(), "read": seen, "write": None}
        write_to: tuple[int, int] | tuple[()] = ()
        if offer.write is not None:
            try:
                with _refused(REFUSED, offer.write.path):
                    said |= self._look_at_output(offer)
                    write_to = (said["write"]["dev"], said["write"]["ino"])
            except RefusedPlaceError as refusal:
                said["write"] = {"refused": refusal.detail}
        with self._lock:
            self._places[digest] = Place(digest, offer, read_from, write_to)
            self._places.move_to_end(digest)
            while len(self._places) > self._most:
                self._cache.forget(self._places.popitem(last=False)[0])
        return said

    def get(self, digest: str) -> Place:
        """Return a place that was taken.

        Raises
        ------
        RefusedPlaceError
            If it never was, or is forgotten.
        """
        with self._lock:
            if digest not in self._places:
                detail = f"place {digest}: offer it with POST /v1/places"
                raise RefusedPlaceError(UNKNOWN_PLACE, detail)
            self._places.move_to_end(digest)
            return self._places[digest]

    def read(self, place: Place, box: Box) -> Array:
        """Return the block of a box of the input, which may reach round its edges.

        Raises
        ------
        RefusedPlaceError
            If it can't be read any more.
        """
        with _refused(UNREAD, place.offer.read.path):
            block = self._read(place.digest, place.offer.read, box, place.read_from)
        return np.asarray(block, order="C")

    def write(self, place: Place, box: Box, block: Array) -> None:
        """Write a tile into its box of the output.

        Raises
        ------
        RefusedPlaceError
            If it can't be written: the disk is full, or the output is finished or gone.
        """
        stored = _output(place)
        with _refused(UNWRITTEN, stored.path), self._while_open(place.offer):
            if stored.kind == "flat":
                self._write_flat(place, stored, box, block)
            else:
                self._write_chunks(place, stored, box, block)

    def written(self, place: Place, box: Box) -> Array:
        """Return what lies in a box of the output: of chunks, as their files are now.

        Raises
        ------
        RefusedPlaceError
            If it can't be read.
        """
        stored = _output(place)
        with _refused(UNREAD, stored.path):
            if stored.kind == "flat":
                block = self._read("", stored, box, place.write_to or None)
            else:
                with self._chunks_of(place, stored) as (array, folder):
                    files = ChunkFiles(array, folder, self._roots.check, is_whole=True)
                    block = read_chunks(files, box, ChunkCache(0), "")
        return np.asarray(block, order="C")

    # Looking

    def _look(self, stored: StoredArray) -> tuple[dict[str, Any], tuple[int, int]]:
        """Check an input; return what tells whether a coordinator has the same one."""
        if stored.kind == "zarr":
            chunked(stored, self._chunk_bytes).check()
            if stored.in_bucket:
                state = self._roots.bucket(stored.path).state(METADATA[stored.version])
                return state, (state["dev"], state["ino"])
            path = str(PurePosixPath(stored.path) / METADATA[stored.version])
        else:
            path = stored.path
            if is_nonce(path):
                raise PlaceError("is the nonce of a run, which is no samples")
        with self._roots.file(path) as file:
            status = os.fstat(file)
            if stored.kind == "flat" and status.st_size < stored.offset + stored.data_bytes:
                raise PlaceError(f"has {status.st_size} bytes: its samples end beyond that")
            state = {
                "size": status.st_size,
                "mtime_ns": status.st_mtime_ns,
                "dev": status.st_dev,
                "ino": status.st_ino,
            }
            return state, identity(file)

    def _samples(self, digest: str, offer: Offer) -> str:
        """Return a digest of the samples in the boxes of an offer."""
        state = xxhash.xxh3_128()
        for box in offer.boxes:
            block = np.ascontiguousarray(self._read(digest, offer.read, box, None))
            state.update(block.reshape(-1).view(np.uint8).data)
        return state.hexdigest()

    def _look_at_output(self, offer: Offer) -> dict[str, Any]:
        """Check an output; return what tells whether a coordinator has the same one."""
        stored = offer.write
        assert stored is not None  # noqa: S101 -- it is looked at if there is one
        with self._while_open(offer) as nonce:
            if stored.kind == "zarr":
                chunked(stored, self._chunk_bytes).check()
                with self._roots.folder(stored.path) as folder:
                    if os.fstat(folder).st_uid != os.geteuid():
                        raise PlaceError("belongs to another user, who could not change its chunks")
                    (dev, ino), local = identity(folder), is_local(folder)
            else:
                with self._roots.file(stored.path, os.O_RDWR) as file:
                    _check_room(file, stored)
                    (dev, ino), local = identity(file), is_local(file)
        return {"nonce": nonce, "write": {"dev": dev, "ino": ino, "local": local}}

    # Reading and writing

    def _read(
        self, digest: str, stored: StoredArray, box: Box, known: tuple[int, int] | None
    ) -> Array:
        if stored.kind == "zarr":
            array = chunked(stored, self._chunk_bytes)
            if stored.in_bucket:
                bucket = self._roots.bucket(stored.path)
                keys = BucketChunks(array, bucket, METADATA[stored.version], known)
                return read_chunks(keys, box, self._cache, digest)
            with self._roots.folder(stored.path) as folder:
                if known is not None:
                    _check_metadata(folder, stored, known)
                files = ChunkFiles(array, folder, self._roots.check)
                return read_chunks(files, box, self._cache, digest)
        with self._roots.file(stored.path) as file:
            if known is not None and identity(file) != known:
                raise PlaceError("is another file than was offered")
            shape = stored.shape if stored.order == "C" else stored.shape[::-1]
            flat = Flat(file, stored.offset, shape)
            return read_box(flat, stored.numpy_dtype, box, fortran=stored.order == "F")

    def _write_flat(self, place: Place, stored: StoredArray, box: Box, block: Array) -> None:
        samples = block.astype(stored.numpy_dtype, copy=False)
        with self._roots.file(stored.path, os.O_RDWR) as file:
            if identity(file) != place.write_to:
                raise PlaceError("is another file than was offered")
            _check_room(file, stored)
            if stored.order == "C":
                Flat(file, stored.offset, stored.shape).write_box(box.start, samples)
            else:
                flat = Flat(file, stored.offset, stored.shape[::-1])
                flat.write_box(box.start[::-1], samples.T)

    def _write_chunks(self, place: Place, stored: StoredArray, box: Box, block: Array) -> None:
        with self._chunks_of(place, stored) as (array, folder):
            if not array.is_whole(box):
                raise PlaceError("is written in whole chunks only")
            write_chunks(array, folder, box, block, sync=not is_local(folder))

    @contextmanager
    def _chunks_of(self, place: Place, stored: StoredArray) -> Iterator[tuple[Chunked, int]]:
        """Yield an output in chunks, and its folder."""
        array = chunked(stored, self._chunk_bytes)
        with self._roots.folder(stored.path) as folder:
            if identity(folder) != place.write_to:
                raise PlaceError("is another folder than was offered")
            yield array, folder

    @contextmanager
    def _while_open(self, offer: Offer) -> Iterator[str]:
        """Keep an output from being finished; yield what is in its nonce.

        Raises
        ------
        PlaceError
            If it is finished already, or the nonce is not the one that was offered.
        """
        with self._roots.file(offer.nonce_path) as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                raise PlaceError("takes no more tiles: its run is over") from None
            except OSError:  # a network's file system without locks
                pass
            nonce = os.pread(file, NONCE_BYTES + 1, 0)
            is_gone = os.fstat(file).st_nlink == 0
            if is_gone or len(nonce) != NONCE_BYTES or digest_of(nonce) != offer.nonce:
                raise PlaceError("has no nonce of its run beside it")
            yield nonce.decode("ascii", "replace")


def _chunk_bytes(offer: Offer) -> int:
    arrays = [array for array in (offer.read, offer.write) if array is not None and array.chunk]
    sizes = (int(np.prod(each.chunk, dtype=object)) * each.numpy_dtype.itemsize for each in arrays)
    return max(sizes, default=0)


def _beside_bytes(offer: Offer, chunk: int) -> int:
    """Return what chunks take: one of them twice, and those asked for at a time in a bucket."""
    return 2 * chunk + (max(chunk, AHEAD_BYTES) if offer.read.in_bucket else 0)


def _output(place: Place) -> StoredArray:
    if place.offer.write is None or not place.write_to:
        raise RefusedPlaceError(UNWRITTEN, "no output was offered, or not taken")
    return place.offer.write


def chunked(stored: StoredArray, most_bytes: int) -> Chunked:
    """Return a zarr array, as `places.chunks` has it.

    Raises
    ------
    PlaceError
        If its chunks are too large.
    """
    dtype = stored.numpy_dtype
    size = int(np.prod(stored.chunk, dtype=object)) * dtype.itemsize if stored.chunk else 0
    if size > most_bytes:
        raise PlaceError(f"has chunks of {size} bytes: {most_bytes} at most are read at a worker")
    return Chunked(stored.version, stored.metadata or {}, stored.shape, dtype, stored.chunk)


def _check_metadata(folder: int, stored: StoredArray, known: tuple[int, int]) -> None:
    """Refuse another array, or the folder in which one was mounted: all its chunks are missing."""
    with regular_file(folder, METADATA[stored.version]) as file:
        if identity(file) != known:
            raise PlaceError("is another array than was offered")


def _check_room(file: int, stored: StoredArray) -> None:
    status = os.fstat(file)
    if status.st_nlink != 1:
        raise PlaceError("has other names too, or none")
    if status.st_size < stored.offset + stored.data_bytes:
        raise PlaceError(f"has {status.st_size} bytes: there is no room for its samples")


@contextmanager
def _refused(type_: str, path: str) -> Iterator[None]:
    """Turn what can't be opened, read or written into a refusal."""
    try:
        yield
    except PlaceError as error:
        raise RefusedPlaceError(type_, f"{path[:300]}: {error}") from None
    except OSError as error:
        raise RefusedPlaceError(type_, f"{path[:300]}: {error.strerror}") from None
