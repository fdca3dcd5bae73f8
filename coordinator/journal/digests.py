"""The two digests that a finished tile is known by: those that travel with it on the wire.

The digest of the question covers the job, the tile and the block that was read; the digest of the
answer covers that digest and the bytes that were stored. Both can be had again from the files, so a
resumed run believes nothing that it can't compute.
"""

from __future__ import annotations

import functools

import numpy as np

from coordinator.journal.records import Finished
from tiling.dtypes import Array
from tiling.geometry.plan import Tile
from tiling.jobs.job import Job
from tiling.protocol.wire import Answer, Question


class Seals:
    """Digests of the tiles of one job."""

    def __init__(self, job: Job) -> None:
        self._job = job

    @functools.cached_property
    def _digest(self) -> str:
        return self._job.digest

    def question(self, tile: Tile) -> Question:
        """Return what a tile's request says."""
        return Question(self._digest, tile.index, self._job.source, tile.read.shape, tile.crop)

    def asked(self, tile: Tile, block: Array) -> str:
        """Return the digest of the question that asks for a tile of this block."""
        question = self.question(tile)
        return question.digest(raw(block, question.dtype))

    def answered(self, tile: Tile, asked: str, block: Array) -> str:
        """Return the digest of the answer that is this block."""
        answer = Answer.to(self.question(tile), asked, self._job.target)
        return answer.digest(raw(block, answer.dtype))

    def finished(self, tile: Tile, read: Array, written: Array) -> Finished:
        """Return the record of a tile that was read and written like this."""
        asked = self.asked(tile, read)
        return Finished(tile.index, asked, self.answered(tile, asked, written))


def raw(block: Array, dtype: np.dtype[np.generic]) -> memoryview:
    """Return the bytes of a block in C order and this dtype; without a copy if they lie so."""
    whole = np.ascontiguousarray(block, dtype)
    return whole.reshape(-1).view(np.uint8).data
