"""Folders and buckets that a worker serves places from, and what in them is nobody's business."""

from __future__ import annotations

import functools
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from places.below import folder, folder_below, regular_file
from places.buckets import Bucket
from places.errors import PlaceError
from tiling.protocol.places import is_in_bucket

CLOSED = "serves no places: start it with --serve-from FOLDER"

URL = re.compile(r"(s3|gs):|.*://")
"""How what is no folder begins."""

MAX_SECRET_BYTES = 2**20
"""Of a token or a certificate: a larger file is none."""


@dataclass(frozen=True, slots=True)
class Roots:
    """What places are opened below; nothing of it, and none is.

    Parameters
    ----------
    folders : tuple of Path
        Absolute, without links.
    secrets : tuple of Path
        Files, and folders of files, that are never opened: not under another name either, as far
        as a file tells that it is the same.
    buckets : tuple of str
        URLs, without a slash at their ends.
    """

    folders: tuple[Path, ...] = ()
    secrets: tuple[Path, ...] = ()
    buckets: tuple[str, ...] = ()

    @classmethod
    def of(cls, roots: Sequence[str | Path], secrets: Sequence[Path] = ()) -> Roots:
        """Return those that a user names.

        Raises
        ------
        PlaceError
            If one is no folder and no bucket, or is everything.
        """
        buckets = tuple(_bucket(str(each)) for each in roots if URL.match(str(each)))
        folders = [Path(each) for each in roots if not URL.match(str(each))]
        if folders and sys.platform != "linux":
            raise PlaceError("--serve-from: only on Linux are paths opened so that none leads out")
        for each in folders:
            if not each.is_dir():
                raise PlaceError(f"--serve-from {each}: there is no such folder")
            if each.resolve() == Path("/"):
                raise PlaceError(f"--serve-from {each}: is all of this machine; name a folder")
        resolved = tuple(Path(os.path.abspath(each)) for each in secrets)  # noqa: PTH100 -- of links themselves
        return cls(tuple(each.resolve() for each in folders), resolved, buckets)

    @property
    def any(self) -> bool:
        """Whether there is anything to serve."""
        return bool(self.folders or self.buckets)

    def bucket(self, url: str) -> Bucket:
        """Return what is below a prefix of a bucket.

        Raises
        ------
        PlaceError
            If it is not served, or there is no such bucket.
        """
        if not any(url.startswith(f"{root}/") for root in self.buckets):
            raise PlaceError("is in no bucket that this worker serves" if self.any else CLOSED)
        return _opened(url)

    @contextmanager
    def file(self, path: str, flags: int = os.O_RDONLY) -> Iterator[int]:
        """Yield a descriptor of a regular file.

        Raises
        ------
        PlaceError
            If it is not served.
        OSError
            If the system does not let it be opened, or a link is on the way.
        """
        with self._root(path) as (root, below), regular_file(root, below, flags) as descriptor:
            self.check(descriptor)
            yield descriptor

    @contextmanager
    def folder(self, path: str) -> Iterator[int]:
        """Yield a descriptor of a folder; see `file`."""
        with self._root(path) as (root, below), folder_below(root, below) as descriptor:
            yield descriptor

    @contextmanager
    def _root(self, path: str) -> Iterator[tuple[int, str]]:
        """Yield the root that a path is below, and the way from there."""
        if not self.any:
            raise PlaceError(CLOSED)
        asked = Path(path)
        if any(asked.is_relative_to(secret) for secret in self._hidden()):
            raise PlaceError("is the worker's own, and never opened")
        for each in self.folders:
            if asked.is_relative_to(each) and asked != each:
                # Links were followed when it was named; one that is there now was put there since.
                way = each.relative_to("/").as_posix()
                with folder("/") as top, folder_below(top, "" if way == "." else way) as root:
                    yield root, asked.relative_to(each).as_posix()
                return
        raise PlaceError("is not below a folder that this worker serves")

    def _hidden(self) -> Iterator[Path]:
        """Yield the secrets as they are called, and as they are found."""
        for secret in self.secrets:
            yield secret
            yield secret.resolve()

    def check(self, descriptor: int) -> None:
        """Refuse a secret under another name.

        Raises
        ------
        PlaceError
        """
        status = os.fstat(descriptor)
        if status.st_size > MAX_SECRET_BYTES:
            return
        for secret in self._files():
            try:
                is_secret = os.path.samestat(status, secret.stat())
            except OSError:
                continue
            if is_secret:
                raise PlaceError("is the worker's own, and never opened")

    def _files(self) -> Iterator[Path]:
        for secret in self.secrets:
            yield from secret.rglob("*") if secret.is_dir() else (secret,)


EVERYTHING = Roots((Path("/"),), buckets=("s3:/", "gs:/"))
"""For who may do anything here anyway."""


def _bucket(given: str) -> str:
    """Return the URL of a bucket that can be opened.

    Raises
    ------
    PlaceError
    """
    url = given.rstrip("/")
    if not is_in_bucket(f"{url}/key"):
        raise PlaceError(
            f"--serve-from {given}: buckets are s3://BUCKET/PREFIX and gs://BUCKET/PREFIX"
        )
    try:
        Bucket(url)
    except PlaceError as error:
        raise PlaceError(f"--serve-from {given}: {error}") from None
    return url


@functools.lru_cache(maxsize=64)
def _opened(url: str) -> Bucket:
    return Bucket(url)
