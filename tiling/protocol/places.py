"""Places that a worker opens itself: how a coordinator offers them, before tiles name them.

A coordinator whose input is a file that workers can reach too offers it, with its output, once::

    POST /v1/places    {"read": {...}, "write": {...} or null, "nonce": "...", "boxes": [...]}

    read, write   an array: "path", "shape", "dtype" (with its byte order), and "offset" and "order"
                  of a flat file, or "version", "metadata" and "chunk" of a zarr in a folder; of one
                  that is read in a bucket, "path" is the URL
    nonce         SHA-256 of what is in a file ``.NAME.place``, planted beside an output that grows
                  as ``.NAME.partial``
    boxes         small ones of the input, drawn by the coordinator: [start, stop] each

The worker answers what it sees: the content of the nonce's file, and of the input its size, time,
identity and a digest of the samples in those boxes. So each side shows the other that both have the
same stores; which of it suffices is for the coordinator to judge.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, TypeAlias, get_args

import numpy as np

from tiling.dtypes import COPIED, Dtype
from tiling.errors import WireError
from tiling.geometry.box import Box
from tiling.jobs.job import MAX_NDIM

PATH: Final = "/v1/places"

MAX_OFFER_BYTES: Final = 2**17
MAX_PATH: Final = 4096
MAX_BOXES: Final = 16
MAX_BOX_SAMPLES: Final = 4096
MAX_SIZE: Final = 2**60
"""Of bytes and samples."""

REFUSED: Final = "urn:tilefan:place"
"""Type of the problem that is answered to an offer of what can't be opened."""

PARTIAL, NONCE = ".partial", ".place"
"""How the hidden names end under which an output grows, and of what is planted beside it."""

METADATA: Final = {2: ".zarray", 3: "zarr.json"}
"""The file by which a zarr array is known, by its version."""

NONCE_BYTES: Final = 64
"""Of the content of such a file: hexadecimal digits."""

STORED: Final = (*COPIED, *(name.replace("<", ">") for name in COPIED if name[0] == "<"))
"""Dtypes of samples in a store: in both byte orders."""

Kind: TypeAlias = Literal["flat", "zarr"]

_URL = re.compile(r"(?:s3|gs)://(?:(?!\.{1,2}(?:/|$))[^/\0]+)(?:/(?!\.{1,2}(?:/|$))[^/\0]+)+")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class StoredArray:
    """An array in a store: where it is, and how its samples lie there.

    Parameters
    ----------
    kind : str
        "flat": one after another in a file; "zarr": in chunks below a folder.
    path : str
        Absolute, as the worker has it; or the URL of a zarr in a bucket.
    shape : tuple of int
    dtype : str
        NumPy's name, with the byte order.
    offset : int
        Of a flat file: bytes before the samples.
    order : str
        Of a flat file: "C" or "F".
    version : int
        Of a zarr: 2 or 3.
    metadata : mapping
        Of a zarr: what tensorstore needs to know.
    chunk : tuple of int
        Of a zarr: that is a file of its own.
    """

    kind: Kind
    path: str
    shape: tuple[int, ...]
    dtype: str
    offset: int = 0
    order: Literal["C", "F"] = "C"
    version: int = 0
    metadata: Mapping[str, Any] | None = None
    chunk: tuple[int, ...] = ()

    @property
    def in_bucket(self) -> bool:
        """Whether it is in a bucket."""
        return self.kind == "zarr" and is_in_bucket(self.path)

    @property
    def numpy_dtype(self) -> Dtype:
        """The dtype of the samples in the store."""
        return np.dtype(self.dtype)

    @property
    def data_bytes(self) -> int:
        """Bytes of all samples."""
        return math.prod(self.shape) * self.numpy_dtype.itemsize

    def check(self) -> None:
        """Refuse what makes no sense, wherever it is.

        Raises
        ------
        WireError
            Naming it.
        """
        if not self.in_bucket:
            check_path(self.path)
        sizes = (*self.shape, *self.chunk, self.offset)
        if not all(0 <= size <= MAX_SIZE for size in sizes) or len(self.shape) > MAX_NDIM:
            raise WireError("places: sizes that make no sense")
        if math.prod(max(1, length) for length in self.shape) > MAX_SIZE:
            raise WireError("places: a shape that makes no sense")
        is_chunked = self.kind == "zarr"
        if is_chunked != (self.version in (2, 3)) or is_chunked != (self.metadata is not None):
            raise WireError("places: a zarr has version and metadata, and nothing else has")
        if is_chunked and (len(self.chunk) != len(self.shape) or 0 in self.chunk):
            raise WireError("places: chunks that make no sense")


@dataclass(frozen=True, slots=True)
class Offer:
    """What a coordinator asks a worker to open.

    Parameters
    ----------
    read : StoredArray
        The input.
    write : StoredArray or None
        The output, as it grows.
    nonce : str
        SHA-256 of the nonce beside the output; empty without one.
    boxes : tuple of Box
        Of the input; of at most `MAX_BOX_SAMPLES` samples each.
    """

    read: StoredArray
    write: StoredArray | None = None
    nonce: str = ""
    boxes: tuple[Box, ...] = ()

    def encode(self) -> bytes:
        """Return the body of the request."""
        fields = asdict(self) | {"boxes": [[box.start, box.stop] for box in self.boxes]}
        return json.dumps(fields, separators=(",", ":"), sort_keys=True).encode("ascii")

    @classmethod
    def decode(cls, body: bytes) -> Offer:
        """Read the body of a request; everything is checked.

        Raises
        ------
        WireError
            Saying what is wrong.
        """
        try:
            said = json.loads(body)
        except (ValueError, RecursionError):
            raise WireError("places: not JSON") from None
        match said:
            case {
                "read": dict(read),
                "write": write,
                "nonce": str(nonce),
                "boxes": [*boxes],
                **rest,
            } if not rest and (write is None or isinstance(write, dict)):
                pass
            case _:
                raise WireError("places: wants read, write, nonce and boxes")
        offer = cls(
            _stored(read),
            None if write is None else _stored(write),
            nonce,
            tuple(_box(each) for each in boxes[: MAX_BOXES + 1]),
        )
        offer.check()
        return offer

    def check(self) -> None:
        """Refuse what makes no sense, wherever it is.

        Raises
        ------
        WireError
            Naming it.
        """
        for array in filter(None, (self.read, self.write)):
            array.check()
        whole = Box.whole(self.read.shape)
        fine = all(
            box.ndim == whole.ndim and box.within(whole) and box.size <= MAX_BOX_SAMPLES
            for box in self.boxes
        )
        if len(self.boxes) > MAX_BOXES or not fine:
            raise WireError("places: boxes outside the array, too many or too large")
        if self.write is not None and not _SHA256.fullmatch(self.nonce):
            raise WireError("places: an output needs a nonce")
        if self.write is not None and self.write.in_bucket:
            raise WireError("places: nothing is written in buckets")
        if self.write is not None:
            nonce_beside(self.write.path, self.write.kind)
        if self.write is not None and self.write.shape != self.read.shape:
            raise WireError("places: an output has the shape of its input")

    @property
    def nonce_path(self) -> str:
        """Where the nonce is, beside the output.

        Raises
        ------
        WireError
            If that is not named as an output that grows.
        """
        assert self.write is not None  # noqa: S101 -- there is none without
        return nonce_beside(self.write.path, self.write.kind)


def nonce_beside(path: str, kind: Kind) -> str:
    """Return where the nonce of an output is, from the path of what grows.

    Raises
    ------
    WireError
        If that is not named as an output that grows.

    Examples
    --------
    >>> nonce_beside("/data/.out.npy.partial", "flat")
    '/data/.out.npy.place'
    >>> nonce_beside("/data/.out.zarr.partial/0", "zarr")
    '/data/.out.zarr.place'
    """
    parts = path.split("/")
    numbers = range(len(parts) - 1, 0 if kind == "zarr" else len(parts) - 2, -1)
    for number in numbers:
        name = parts[number]
        if name.startswith(".") and name.endswith(PARTIAL) and len(name) > len(PARTIAL) + 1:
            return "/".join((*parts[:number], name.removesuffix(PARTIAL) + NONCE))
    raise WireError("places: an output must grow under a hidden name, .NAME.partial")


def is_nonce(path: str) -> bool:
    """Tell whether a path is named as a nonce, which nobody is shown who does not know it.

    Examples
    --------
    >>> is_nonce("/data/.out.npy.place"), is_nonce("/data/.out.npy.partial")
    (True, False)
    """
    name = path.rpartition("/")[2].lower()  # as file systems may have it
    return name.startswith(".") and name.endswith(NONCE)


def is_in_bucket(path: str) -> bool:
    """Tell whether a path is the URL of what is in a bucket.

    Examples
    --------
    >>> is_in_bucket("s3://bucket/in.zarr"), is_in_bucket("s3://bucket/../in.zarr")
    (True, False)
    """
    return _URL.fullmatch(path) is not None


def digest_of(offer: bytes) -> str:
    """Return what names an offer: SHA-256 of its body."""
    return hashlib.sha256(offer).hexdigest()


def check_path(path: str) -> None:
    """Refuse what is no plain absolute path.

    Raises
    ------
    WireError
    """
    parts = path.split("/")[1:]
    plain = path.startswith("/") and not {"", ".", ".."} & set(parts) and "\0" not in path
    if not plain or len(path.encode("utf-8", "surrogatepass")) > MAX_PATH:
        raise WireError("places: a path must be absolute and plain")


def _stored(said: Mapping[str, Any]) -> StoredArray:
    try:
        sizes = {name: _sizes(said.get(name, ())) for name in ("shape", "chunk")}
        array = StoredArray(**{**said, **sizes})
    except TypeError:
        raise WireError("places: an array needs kind, path, shape and dtype") from None
    texts = (array.kind, get_args(Kind)), (array.order, ("C", "F"))
    whole = all(type(number) is int for number in (array.offset, array.version))
    if not whole or any(text not in names for text, names in texts):
        raise WireError("places: an array of what is not known here")
    if not isinstance(array.path, str) or not isinstance(array.metadata, dict | None):
        raise WireError("places: an array of what is not known here")
    if array.dtype not in STORED:
        raise WireError(f"places: dtype must be one of {' '.join(STORED)}")
    return array


def _sizes(said: object) -> tuple[int, ...]:
    if not isinstance(said, list | tuple) or not all(type(size) is int for size in said):
        raise WireError("places: sizes that are no whole numbers")
    return tuple(said)


def _box(said: object) -> Box:
    match said:
        case [[*start], [*stop]] if len(start) == len(stop):
            low, high = _sizes(start), _sizes(stop)
            if all(a <= b for a, b in zip(low, high, strict=True)):
                return Box(low, high)
    raise WireError("places: a box is [start, stop]")
