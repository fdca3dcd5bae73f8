"""Tiles by reference: they name a place, from which the worker reads their block itself.

Where a worker has taken an offer (see `tiling.protocol.places`), a tile is sent
without its block: its headers (see `tiling.protocol.wire`) and three more::

    Tilefan-Place   SHA-256 of the offer
    Tilefan-Start   -2,64,0            where the block begins in the array; it may reach round edges
    Tilefan-Into    answer             the tile is the body of the answer, as ever
                    place              it is written into the place, and the answer has no body
                    kept               it is in the place since an earlier run: nothing is computed
                                       or written, and the answer is as if it had just been

The digest of the request then covers the headers and these three. The answer says in one more::

    Tilefan-Asked   digest of the question, as if the block had been sent

so that both digests of the tile are the same as without a place, in the journal too. Where it has
no body, another digest covers what its headers say::

    Tilefan-Seal    over the answer's headers and both digests
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

from tiling.errors import WireError
from tiling.geometry.box import Box
from tiling.jobs.job import MAX_NDIM
from tiling.protocol.wire import DIGEST, Answer, Headers, Question

PLACE, START, INTO, ASKED, SEAL = (
    f"Tilefan-{name}" for name in ("Place", "Start", "Into", "Asked", "Seal")
)

UNREAD, UNWRITTEN = "urn:tilefan:place-unread", "urn:tilefan:place-unwritten"
"""Types of the problems of tiles whose place can't be read, or written, at this worker."""

UNKNOWN_PLACE: Final = "urn:tilefan:unknown-place"
"""Type of the problem that a worker answers to a tile whose place it does not know (any more)."""

Into: TypeAlias = Literal["answer", "place", "kept"]

_SHA256 = re.compile(r"[0-9a-f]{64}")
_XXH3 = re.compile(r"[0-9a-f]{32}")
_START = re.compile(rf"scalar|-?\d{{1,18}}(,-?\d{{1,18}}){{0,{MAX_NDIM - 1}}}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Reference:
    """What the headers of a tile by reference say besides those of every tile.

    Parameters
    ----------
    place : str
        Digest of an offer.
    start : tuple of int
        Of the block, in the array.
    into : str
        Where the tile goes.
    """

    place: str
    start: tuple[int, ...]
    into: Into

    def fields(self) -> dict[str, str]:
        """Return the headers."""
        start = ",".join(map(str, self.start)) or "scalar"
        return {PLACE: self.place, START: start, INTO: self.into}

    def digest(self, question: Question) -> str:
        """Return the digest of a request: over its headers and these."""
        return question.digest("\n".join(self.fields().values()).encode("ascii"))

    @classmethod
    def parse(cls, headers: Headers, question: Question, claimed: str) -> Reference:
        """Read the headers of a request.

        Parameters
        ----------
        headers : Headers
            Not checked.
        question : Question
            Of the same request.
        claimed : str
            The digest there.

        Raises
        ------
        WireError
            Naming the header.
        """
        place, start, into = (headers.get(name, "") for name in (PLACE, START, INTO))
        if not _SHA256.fullmatch(place):
            raise WireError(f"{PLACE}: missing or malformed")
        if not _START.fullmatch(start):
            raise WireError(f"{START}: missing or malformed")
        if into not in get_args(Into):
            raise WireError(f"{INTO}: one of {' '.join(get_args(Into))}")
        numbers = () if start == "scalar" else tuple(map(int, start.split(",")))
        if len(numbers) != len(question.shape):
            raise WireError(f"{START}: {len(numbers)} axes, the block has {len(question.shape)}")
        reference = cls(place, numbers, into)  # type: ignore[arg-type]
        if reference.digest(question) != claimed:
            raise WireError(f"{DIGEST}: is not that of the headers")
        return reference

    def boxes(self, question: Question, shape: tuple[int, ...]) -> tuple[Box, Box]:
        """Return the box to read and the one to write, in an array of this shape.

        Raises
        ------
        WireError
            If they are not inside it; the one to read may reach round its edges.
        """
        stop = tuple(a + length for a, length in zip(self.start, question.shape, strict=True))
        axes = tuple(zip(self.start, stop, shape, strict=False))
        fits = all(-n <= a and b <= 2 * n and b - a <= n for a, b, n in axes)
        read = Box(self.start, stop)
        write = question.crop.shift(self.start)
        if len(shape) != read.ndim or not fits or not write.within(Box.whole(shape)):
            raise WireError(f"{START}: the block is not inside the array")
        return read, write


def parse_asked(headers: Headers) -> str:
    """Return the digest of the question that an answer by reference names.

    Raises
    ------
    WireError
        If it names none.
    """
    return _digest(headers, ASKED)


def check_stored(answer: Answer, headers: Headers) -> str:
    """Check the answer to a tile that is in the place; return its digest.

    Raises
    ------
    WireError
        Naming the first header that is not as wanted.
    """
    for name, expected in answer.fields().items():
        if (got := headers.get(name, "missing")) != expected:
            raise WireError(f"{name}: {got[:80]}, not {expected}")
    digest = _digest(headers, DIGEST)
    if headers.get(SEAL, "missing") != seal_of(answer, digest):
        raise WireError(f"{SEAL}: the headers are not the ones that were sent")
    return digest


def seal_of(answer: Answer, digest: str) -> str:
    """Return the digest over the headers of an answer without a body, the others included."""
    return answer.digest(digest.encode("ascii"))


def _digest(headers: Headers, name: str) -> str:
    value = headers.get(name, "")
    if not _XXH3.fullmatch(value):
        raise WireError(f"{name}: missing or malformed")
    return value
