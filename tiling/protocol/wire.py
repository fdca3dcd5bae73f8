"""Tiles on the wire: headers as text, blocks as raw bytes, both checked before they are used.

A tile is sent as the body of ``POST /v1/tiles``: its samples in C order, little-endian, nothing
else; or in a form that has fewer bytes, see `tiling.protocol.forms`. What they mean stands in
headers::

    Tilefan-Job     digest of the job, registered before
    Tilefan-Tile    number of the tile
    Tilefan-Dtype   <f4
    Tilefan-Shape   68,68,3
    Tilefan-Crop    2:66,2:66,0:3      the part to answer, in the block's coordinates
    Tilefan-Digest  xxh3-128 over all of the above and the body

The answer says the same of itself, and its digest covers the digest of the question as well. So a
flipped bit, a swapped, stale or repeated answer has another digest than the one expected, and a
worker's answer to one block can't pass for its answer to another.

A request may also name the run of a coordinator that it belongs to, by a random number. Workers
tell runs apart by it, when they say what they compute (``GET /v1/health?run=0123456789abcdef``). It
changes no answer, so no digest covers it::

    Tilefan-Run     0123456789abcdef

A worker without a free slot answers 503, ``Retry-After`` in whole seconds, and when the coordinator
should really come back: for so long, and a little longer, a slot that becomes free is kept for it::

    Tilefan-Retry-S 0.05           seconds

An answer may also have the seconds that the worker spent on it (`Spent`). They are shown and decide
nothing, so no digest covers it, and one that can't be true is as good as none::

    Tilefan-Spent   120,48211      microseconds: waiting for a thread, computing
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import xxhash

from tiling.dtypes import Dtype, parse_dtype, wire_name
from tiling.errors import WireError
from tiling.geometry.box import Box
from tiling.jobs.job import MAX_NDIM

PROTOCOL = 1
"""Version of this protocol; worker and coordinator must have the same one."""

BODY_TYPE = "application/octet-stream"
"""Content type of a block."""

UNKNOWN_JOB = "urn:tilefan:unknown-job"
"""Type of the problem that a worker answers to a tile whose job it does not know (any more)."""

JOB, TILE, DTYPE, SHAPE, CROP, DIGEST = (
    f"Tilefan-{name}" for name in ("Job", "Tile", "Dtype", "Shape", "Crop", "Digest")
)

SPENT = "Tilefan-Spent"

RUN = "Tilefan-Run"

RETRY_S = "Tilefan-Retry-S"


class Headers(Protocol):
    """Headers as any HTTP library has them; names in any case."""

    def get(self, name: str, default: str, /) -> str:
        """Return the first value of a header, or the default."""


_INTEGER = r"\d{1,18}"
_PATTERNS = {
    JOB: re.compile(r"[0-9a-f]{64}"),
    TILE: re.compile(_INTEGER, re.ASCII),
    SHAPE: re.compile(rf"scalar|{_INTEGER}(,{_INTEGER}){{0,{MAX_NDIM - 1}}}", re.ASCII),
    CROP: re.compile(
        rf"scalar|{_INTEGER}:{_INTEGER}(,{_INTEGER}:{_INTEGER}){{0,{MAX_NDIM - 1}}}", re.ASCII
    ),
    DIGEST: re.compile(r"[0-9a-f]{32}"),
    RETRY_S: re.compile(r"\d{1,4}(\.\d{1,6})?", re.ASCII),
    RUN: re.compile(r"[0-9a-f]{16}"),
    SPENT: re.compile(r"(\d{1,15}),(\d{1,15})", re.ASCII),
}


@dataclass(frozen=True, slots=True)
class Question:
    """What the headers of a tile's request say.

    Parameters
    ----------
    job : str
        Digest of the job.
    tile : int
    dtype : numpy.dtype
        Of the block.
    shape : tuple of int
        Of the block.
    crop : Box
        What to answer, in the block's coordinates.
    """

    job: str
    tile: int
    dtype: Dtype
    shape: tuple[int, ...]
    crop: Box

    @property
    def body_bytes(self) -> int:
        """Exact length of the body."""
        return math.prod(self.shape) * self.dtype.itemsize

    def digest(self, body: bytes | bytearray | memoryview) -> str:
        """Return the digest over the headers and the body.

        Parameters
        ----------
        body : buffer
            The block's bytes.
        """
        return _digest(self.fields(), body)

    def fields(self) -> dict[str, str]:
        """Return the headers, all but the digest."""
        crop = (f"{a}:{b}" for a, b in zip(self.crop.start, self.crop.stop, strict=True))
        return {
            JOB: self.job,
            TILE: str(self.tile),
            DTYPE: wire_name(self.dtype),
            SHAPE: _format(self.shape),
            CROP: ",".join(crop) or "scalar",
        }

    @classmethod
    def parse(cls, headers: Mapping[str, str]) -> tuple[Question, str]:
        """Read the headers of a request; return it with the digest that it claims.

        Parameters
        ----------
        headers : Headers
            Of a request, not checked.

        Raises
        ------
        WireError
            Naming the header.
        """
        shape = _shape(headers)
        crop = _crop(headers)
        if crop.ndim != len(shape) or not crop.within(Box.whole(shape)):
            raise WireError(f"{CROP}: lies outside the block")
        question = cls(
            _field(headers, JOB),
            int(_field(headers, TILE)),
            parse_dtype(headers.get(DTYPE)),
            shape,
            crop,
        )
        return question, _field(headers, DIGEST)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the headers of a tile's answer say; `asked` is the digest of the question."""

    asked: str
    job: str
    tile: int
    dtype: Dtype
    shape: tuple[int, ...]

    @classmethod
    def to(cls, question: Question, asked: str, dtype: Dtype) -> Answer:
        """Return the answer to the question of this digest, of a job's target dtype."""
        return cls(asked, question.job, question.tile, dtype, question.crop.shape)

    @property
    def body_bytes(self) -> int:
        """Exact length of the body."""
        return math.prod(self.shape) * self.dtype.itemsize

    def fields(self) -> dict[str, str]:
        """Return the headers, all but the digest."""
        return {
            JOB: self.job,
            TILE: str(self.tile),
            DTYPE: wire_name(self.dtype),
            SHAPE: _format(self.shape),
        }

    def digest(self, body: bytes | bytearray | memoryview) -> str:
        """Return the digest over the question's digest, the headers and the body.

        Parameters
        ----------
        body : buffer
            The tile's bytes.
        """
        return _digest({"asked": self.asked, **self.fields()}, body)

    def check(self, headers: Headers, body: bytes | bytearray | memoryview) -> str:
        """Check what a worker answered against what was wanted; return its digest.

        Parameters
        ----------
        headers : Headers
            Of the answer, not checked.
        body : buffer

        Raises
        ------
        WireError
            Naming the first header, or the length or digest, that differs.
        """
        for name, expected in self.fields().items():
            if (got := headers.get(name, "missing")) != expected:
                raise WireError(f"{name}: {got[:80]}, not {expected}")
        if len(body) != self.body_bytes:
            raise WireError(f"a body of {len(body)} bytes, not {self.body_bytes}")
        digest = self.digest(body)
        if headers.get(DIGEST, "missing") != digest:
            raise WireError(f"{DIGEST}: the bytes are not the ones that were sent")
        return digest


@dataclass(frozen=True, slots=True)
class Spent:
    """What a worker spent on a tile, in seconds: the rest of an attempt is transfer.

    Parameters
    ----------
    waiting_s : float
        Between the block's arrival and a free thread.
    computing_s : float
        In the thread: checking, filtering and signing.

    Examples
    --------
    >>> Spent.parse(Spent(0.25, 1.5).fields(), within_s=2.0)
    Spent(waiting_s=0.25, computing_s=1.5)
    """

    waiting_s: float
    computing_s: float

    def fields(self) -> dict[str, str]:
        """Return the header."""
        return {SPENT: f"{round(self.waiting_s * 1e6)},{round(self.computing_s * 1e6)}"}

    @classmethod
    def parse(cls, headers: Headers, within_s: float) -> Spent | None:
        """Read the header; None if there is none, or it says more time than there was.

        Parameters
        ----------
        headers : Headers
            Of the answer, not checked.
        within_s : float
            Seconds that the exchange took.
        """
        match = _PATTERNS[SPENT].fullmatch(headers.get(SPENT, ""))
        if match is None:
            return None
        waiting_s, computing_s = (int(part) / 1e6 for part in match.groups())
        return cls(waiting_s, computing_s) if waiting_s + computing_s <= within_s else None


def parse_run(headers: Headers) -> str:
    """Return the run that a request belongs to; empty if it names none.

    Parameters
    ----------
    headers : Headers
        Of a request, not checked.

    Raises
    ------
    WireError
        If it is malformed.

    Examples
    --------
    >>> parse_run({"Tilefan-Run": "0123456789abcdef"}), parse_run({})
    ('0123456789abcdef', '')
    """
    value = headers.get(RUN, "")
    return check_run(value) if value else ""


def check_run(value: str) -> str:
    """Return the name of a run.

    Parameters
    ----------
    value : str
        Not checked.

    Raises
    ------
    WireError
        If it is no such name.
    """
    if not _PATTERNS[RUN].fullmatch(value):
        raise WireError(f"{RUN}: 16 hexadecimal digits")
    return value


def parse_retry_s(headers: Headers) -> float | None:
    """Return after how many seconds a worker that is busy wants to be asked again, if it says so.

    Parameters
    ----------
    headers : Headers
        Of the answer, not checked.

    Examples
    --------
    >>> parse_retry_s({"Tilefan-Retry-S": "0.05"}), parse_retry_s({"Tilefan-Retry-S": "-1"})
    (0.05, None)
    """
    match = _PATTERNS[RETRY_S].fullmatch(headers.get(RETRY_S, ""))
    return float(match[0]) if match else None


def _digest(fields: Mapping[str, str], body: bytes | bytearray | memoryview) -> str:
    state = xxhash.xxh3_128("\n".join(fields.values()).encode("ascii") + b"\n")
    state.update(body)
    return state.hexdigest()


def _format(shape: tuple[int, ...]) -> str:
    return ",".join(map(str, shape)) or "scalar"


def _field(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name, "")
    if not _PATTERNS[name].fullmatch(value):
        raise WireError(f"{name}: missing or malformed")
    return value


def _shape(headers: Mapping[str, str]) -> tuple[int, ...]:
    text = _field(headers, SHAPE)
    return () if text == "scalar" else tuple(map(int, text.split(",")))


def _crop(headers: Mapping[str, str]) -> Box:
    text = _field(headers, CROP)
    bounds = [] if text == "scalar" else [pair.split(":") for pair in text.split(",")]
    start, stop = ([int(pair[side]) for pair in bounds] for side in (0, 1))
    if any(a > b for a, b in zip(start, stop, strict=True)):
        raise WireError(f"{CROP}: stops before it starts")
    return Box(tuple(start), tuple(stop))
