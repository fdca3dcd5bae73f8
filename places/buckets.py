"""Buckets, through tensorstore: what is read there without a file system.

Keys have no links and no inodes, and nothing can be locked. So nothing is written here: a late
write could land in what a later run has begun under the same name.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import xxhash

from places.chunks import FAULTS, Chunked, tensorstore, words_of
from places.errors import PlaceError
from places.network import boot
from tiling.dtypes import Array
from tiling.geometry.box import Box

RETRIES: Final = {"max_retries": 6, "initial_delay": "200ms", "max_delay": "4s"}
"""Of requests to a bucket: about ten seconds in all."""

WAIT_S: Final = 20
"""That a request may take without a byte; then it is made again, as above."""

MAX_METADATA: Final = 2**24
"""Bytes of the key by which an array is known."""

AHEAD_BYTES: Final = 2**26
"""Of chunks that are asked for at a time, or one chunk."""

MOST_AHEAD: Final = 16

LOOPBACK: Final = re.compile(r"https?://(localhost|127\.|\[::1\])")


def spec_of(url: str) -> dict[str, Any]:
    """Return what tensorstore calls a bucket, or what is below a prefix of it.

    Parameters
    ----------
    url : str
        ``s3://BUCKET/PREFIX`` or ``gs://BUCKET/PREFIX``.
    """
    scheme, _, rest = url.partition("://")
    bucket, _, path = rest.partition("/")
    path = f"{path.strip('/')}/" if path.strip("/") else ""
    if scheme == "gs":
        return {"driver": "gcs", "bucket": bucket, "path": path}
    return {"driver": "s3", "bucket": bucket, "path": path, **_s3()}


def _s3() -> dict[str, Any]:
    """Return where S3 is, as the environment has it for the programs of AWS."""
    find = os.environ.get
    endpoint = find("AWS_ENDPOINT_URL_S3") or find("AWS_ENDPOINT_URL")
    region = find("AWS_REGION") or find("AWS_DEFAULT_REGION")
    named: dict[str, Any] = {
        "endpoint": endpoint,
        "aws_region": region or (endpoint and "us-east-1"),
    }
    if find("AWS_ACCESS_KEY_ID"):  # else tensorstore complains of files that are not there
        named["aws_credentials"] = {"type": "environment"}
    return {key: value for key, value in named.items() if value}


@functools.cache
def bound_waits() -> None:
    """Have requests fail that are not answered: tensorstore would wait for ever.

    It reads that from the environment, before its first request; what a user says there stands.
    """
    os.environ.setdefault("TENSORSTORE_CURL_LOW_SPEED_TIME_SECONDS", str(WAIT_S))
    os.environ.setdefault("TENSORSTORE_CURL_LOW_SPEED_LIMIT_BYTES", "1")


def ahead(chunk_bytes: int) -> int:
    """Return how many chunks are asked for at a time."""
    return max(1, min(MOST_AHEAD, AHEAD_BYTES // max(1, chunk_bytes)))


class Bucket:
    """What is below a prefix of a bucket.

    Parameters
    ----------
    url : str

    Raises
    ------
    PlaceError
        If there is no tensorstore, or it knows no such bucket.
    """

    def __init__(self, url: str) -> None:
        ts = tensorstore()
        bound_waits()
        named = spec_of(url)
        self._endpoint = str(named.get("endpoint", ""))
        context = {f"{driver}_request_retries": RETRIES for driver in ("s3", "gcs")}
        with _told():
            self._keys = ts.KvStore.open(named, context=ts.Context(context)).result()

    def state(self, name: str) -> dict[str, int]:
        """Return what tells a key from all others, in the terms of files.

        Raises
        ------
        PlaceError
            If there is none, or it has too many bytes, or can't be read.
        """
        (number,), (value,) = self.identity([name]), self.read([name], MAX_METADATA)
        if value is None:
            raise PlaceError(f"has no {name}")
        return {"size": len(value), "mtime_ns": 0, "dev": 0, "ino": number}

    def identity(self, names: Sequence[str]) -> tuple[int, ...]:
        """Return what changes when one of these keys is written, or removed.

        Raises
        ------
        PlaceError
            If one can't be read.
        """
        with _told():
            first = [self._keys.read(name, byte_range=slice(0, 1)) for name in names]
            return tuple(self._number(each.result()) for each in first)

    def _number(self, found: Any) -> int:
        """Return what tells one writing of a key from all others, wherever it is."""
        known = bytes(found.stamp.generation) + self._endpoint.encode()
        if LOOPBACK.match(self._endpoint):  # every machine has another server there
            known += boot().encode()
        return xxhash.xxh3_64_intdigest(known) >> 1

    def read(self, names: Sequence[str], most_bytes: int) -> list[bytes | None]:
        """Return the values of keys, asked for all at a time; None of one that is not there.

        Raises
        ------
        PlaceError
            If one has more bytes than `most_bytes`, or can't be read.
        """
        beyond = slice(most_bytes, most_bytes + 1)
        probes = [self._keys.read(name, byte_range=beyond) for name in names]
        for name, probe in zip(names, probes, strict=True):
            if _has(probe):
                raise PlaceError(f"its {name} has more than {most_bytes} bytes: too many")
        with _told():
            found = [each.result() for each in [self._keys.read(name) for name in names]]
        return [each.value if each.state == "value" else None for each in found]


@dataclass(frozen=True, slots=True)
class BucketChunks:
    """The chunks of an array in a bucket; see `places.boxes.Chunks`.

    Parameters
    ----------
    array : Chunked
    bucket : Bucket
        Where the array is.
    metadata : str
        The key by which it is known.
    known : tuple of int, optional
        Device and inode that `Bucket.state` had for that key; any will do unless given.
    """

    array: Chunked
    bucket: Bucket
    metadata: str
    known: tuple[int, int] | None = None

    def read_part(self, index: tuple[int, ...], box: Box, into: Array) -> bool:  # noqa: ARG002 -- as folders do
        """Read nothing: of a key, all is had at once."""
        return False

    def read_all(self, indices: Sequence[tuple[int, ...]]) -> Iterator[bytes | None]:
        """Yield the bytes of chunks; None of those that are not there."""
        at_once = ahead(self.array.chunk_bytes)
        for first in range(0, len(indices), at_once):
            names = [self.array.name_of(index) for index in indices[first : first + at_once]]
            found = self.bucket.read(names, self.array.most_encoded())
            if None in found:
                self._check_there()
            yield from found

    def _check_there(self) -> None:
        """Refuse an array that is gone, of which all chunks are missing."""
        (number,) = self.bucket.identity((self.metadata,))
        if self.known not in (None, (0, number)):
            raise PlaceError("is gone, or another array than was offered")


def _has(probe: Any) -> bool:
    """Tell whether a key has the byte that was asked for."""
    try:
        with _told():
            return bool(probe.result().state == "value")
    except PlaceError as error:
        if "OUT_OF_RANGE" in str(error):
            return False
        raise


@contextmanager
def _told() -> Iterator[None]:
    """Turn what tensorstore raises into a sentence."""
    try:
        yield
    except FAULTS as error:
        raise PlaceError(words_of(error)) from None
