"""A worker's places in the test's own process: a tree that is served, and one beside it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from places.offers import Places
from places.roots import Roots
from tiling.geometry.box import Box
from tiling.protocol.places import Offer, StoredArray

NONCE = "5ec2e7" + "0" * 58
CANARY = b"CANARY-of-what-nobody-may-see" * 40
SHAPE = (20, 30)
ARRAY = np.arange(600, dtype="<u2").reshape(SHAPE)


@dataclass
class Served:
    """A served folder, one beside it that is not, and the places of a worker.

    Attributes
    ----------
    root, outside : Path
    places : Places
    """

    root: Path
    outside: Path
    secrets: tuple[Path, ...] = ()
    places: Places = field(init=False)

    @classmethod
    def make(cls, folder: Path) -> Served:
        root, outside = folder / "served", folder / "outside"
        for each in (root, root / "runs", outside):
            each.mkdir()
        (root / "in.raw").write_bytes(ARRAY.tobytes())
        (root / ".out.raw.partial").write_bytes(bytes(ARRAY.nbytes))
        (root / ".out.raw.place").write_text(NONCE)
        (root / "own").mkdir()
        (root / "own" / "token").write_bytes(CANARY)
        (outside / "canary.raw").write_bytes(CANARY)
        (outside / ".canary.raw.partial").write_bytes(CANARY)
        (outside / ".canary.raw.place").write_text(NONCE)
        served = cls(root, outside, (root / "own",))
        served.places = Places(Roots.of([root], served.secrets), 64, 2**20, 2**20)
        return served

    @property
    def read(self) -> StoredArray:
        return StoredArray("flat", str(self.root / "in.raw"), SHAPE, "<u2")

    @property
    def write(self) -> StoredArray:
        return StoredArray("flat", str(self.root / ".out.raw.partial"), SHAPE, "<u2")

    def offer(self, read: StoredArray | None = None, write: StoredArray | None = None) -> Offer:
        """Return an offer of these, or of what is there."""
        boxes = (Box((1, 2), (2, 9)),)
        return Offer(read or self.read, write or self.write, digest(NONCE), boxes)

    def tree(self) -> dict[str, Any]:
        """Return all that is in both folders."""
        return {
            str(path): path.readlink() if path.is_symlink() else path.read_bytes()
            for top in (self.root, self.outside)
            for path in sorted(top.rglob("*"))
            if path.is_symlink() or path.is_file()
        }


def digest(nonce: str) -> str:
    return hashlib.sha256(nonce.encode()).hexdigest()
