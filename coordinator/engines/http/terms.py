"""Terms between a run and one worker: tiles by reference, or by bytes as ever.

A worker that serves places is offered the input, and the output as it grows. What it says that it
sees is compared with what is here: the samples of some boxes drawn by lot, size and time of the
file and, on this machine, its identity; and of the output the nonce that was planted beside it.
What does not agree is not used, with a reason. Of a zarr, size and time are those of its metadata,
which a change of a chunk leaves alone; so there the number of its file counts on every machine, for
a shared storage gives it alike, and no copy has it.

Flat files are written by workers of this machine only: two machines that write within one page of a
file on a network storage corrupt each other's. Chunks are files of their own, and appear whole.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import xxhash

from coordinator.stores import Source
from coordinator.stores.stored import StoredHere
from tiling.geometry.box import Box
from tiling.protocol.places import Offer, digest_of
from tiling.protocol.references import Into

BOXES, BOX_SAMPLES = 8, 512
"""Drawn from an input: how many, and of how many samples at most."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How the tiles of a run travel to a worker and back.

    Parameters
    ----------
    place : str
        Digest of the offer that it took; empty if blocks are sent as bytes.
    writes : bool
        Whether it writes tiles into the output.
    reason : str
        Why not all is by reference; empty if there is nothing to be said.
    """

    place: str = ""
    writes: bool = False
    reason: str = ""

    @property
    def reads(self) -> bool:
        """Whether it reads blocks itself."""
        return bool(self.place)

    def into(self, *, hedge: bool, chunked: bool) -> Into:
        """Return where a tile is to go.

        Two workers never write one box of a flat file at a time; whole chunks do no harm.
        """
        return "place" if self.writes and (chunked or not hedge) else "answer"


@dataclass(frozen=True, slots=True)
class Proof:
    """What a worker has to see, to have the stores that this machine has.

    Parameters
    ----------
    read : StoredHere
    write : StoredHere, optional
    nonce : str
        That is planted beside the output.
    boxes : tuple of Box
        Of the input.
    samples : str
        Digest of the samples in them.
    boot : str
        Of this machine; see `places.network.boot`.
    """

    read: StoredHere
    write: StoredHere | None
    nonce: str
    boxes: tuple[Box, ...]
    samples: str
    boot: str

    def offer(self, paths: Mapping[str, str]) -> Offer:
        """Return the offer to a worker that has these paths for those of this machine."""
        write = self.write
        return Offer(
            self.read.called(called(self.read.array.path, paths)),
            None if write is None else write.called(called(write.array.path, paths)),
            digest_of(self.nonce.encode("ascii")) if write is not None else "",
            self.boxes,
        )

    def judge(self, offer: Offer, said: Any) -> Terms:
        """Return what a worker's answer to an offer is good for; nothing of it is believed."""
        if not isinstance(said, dict) or said.get("place") != digest_of(offer.encode()):
            return Terms(reason="answered to another offer")
        here = bool(self.boot) and said.get("boot") == self.boot
        if trouble := self._other_input(said.get("read"), here=here):
            return Terms(reason=f"{offer.read.path}: {trouble}")
        if self.write is None:
            return Terms(said["place"])
        path = offer.write.path if offer.write else ""
        trouble = self._no_output(said, here=here)
        return Terms(said["place"], not trouble, f"{path}: {trouble}" if trouble else "")

    def _other_input(self, seen: Any, *, here: bool) -> str:
        """Return why a worker does not have this input; empty if it does."""
        if not isinstance(seen, dict):
            return "says nothing of it"
        if (seen.get("size"), seen.get("mtime_ns")) != (self.read.file_bytes, self.read.mtime_ns):
            return "is another file there: of another size, or written at another time"
        if here and (seen.get("dev"), seen.get("ino")) != (self.read.device, self.read.inode):
            return "is another file of this machine there"
        if self.read.array.kind == "zarr" and seen.get("ino") != self.read.inode:
            return "may be a copy there, whose chunks are others: its metadata is another file"
        return "" if seen.get("samples") == self.samples else "has other samples there"

    def _no_output(self, said: Mapping[str, Any], *, here: bool) -> str:
        """Return why a worker can't write into this output; empty if it can."""
        seen, write = said.get("write"), self.write
        assert write is not None  # noqa: S101 -- there is one to be judged
        if not isinstance(seen, dict) or "refused" in seen:
            words = str(seen.get("refused", "")) if isinstance(seen, dict) else ""
            return words[:200].rpartition(": ")[2] or "can't be written there"
        if said.get("nonce") != self.nonce:
            return "is in another folder there"
        is_same = (seen.get("dev"), seen.get("ino")) == (write.device, write.inode)
        if here and not is_same:
            return "is another one of this machine there"
        if write.array.kind == "flat" and not (here and write.local and seen.get("local") is True):
            return "is one file, which is written from one machine only"
        return ""


def draw(source: Source, rng: random.Random) -> tuple[tuple[Box, ...], str]:
    """Draw boxes of an input; return also the digest of their samples.

    Parameters
    ----------
    source : Source
    rng : random.Random
    """
    shape = source.shape
    if 0 in shape:
        return (), xxhash.xxh3_128_hexdigest(b"")
    boxes = []
    state = xxhash.xxh3_128()
    for _ in range(BOXES):
        start = tuple(rng.randrange(length) for length in shape)
        box = Box(start, tuple(map(sum, zip(start, _extent(start, shape), strict=True))))
        boxes.append(box)
        block = np.ascontiguousarray(source.read(box))
        state.update(block.reshape(-1).view(np.uint8).data)
    return tuple(boxes), state.hexdigest()


def _extent(start: Sequence[int], shape: Sequence[int]) -> list[int]:
    """Return how long a box is along each axis: as long as it may be along the last one."""
    extent = [1] * len(shape)
    if shape:
        extent[-1] = min(BOX_SAMPLES, shape[-1] - start[-1])
    return extent


def called(path: str, paths: Mapping[str, str]) -> str:
    """Return what another machine calls a path; the longest prefix that is known counts.

    Examples
    --------
    >>> called("/home/me/in.npy", {"/home": "/mnt", "/home/me": "/nas/me"})
    '/nas/me/in.npy'
    >>> called("/home/mean/in.npy", {"/home/me": "/nas/me"})
    '/home/mean/in.npy'
    """
    here = PurePosixPath(path)
    known = [prefix for prefix in paths if here.is_relative_to(prefix)]
    if not known:
        return path
    prefix = max(known, key=lambda each: len(PurePosixPath(each).parts))
    return str(PurePosixPath(paths[prefix]) / here.relative_to(prefix))
