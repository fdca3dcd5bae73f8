"""Keys and their values, in a folder, in a bucket or on a web server, through tensorstore."""

from __future__ import annotations

import ctypes
import functools
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import tensorstore as ts

from coordinator.errors import InputError, StoreError, TilefanError
from coordinator.machine import usable_cores
from coordinator.stores.atomic_file import read_regular
from coordinator.stores.place import Place
from coordinator.text import inert
from places import buckets
from places.buckets import RETRIES

MAX_DOCUMENT = 2**24
"""Bytes of metadata."""

PARSING = re.compile(r'Error parsing (?:object member "(\w+)"|value at position (\d+)): ')

OUT_OF_REACH = re.compile("(ABORTED|PERMISSION_DENIED|UNAUTHENTICATED|UNAVAILABLE): ")
"""What tensorstore says first where it was the store, or the way there, that failed."""

M_ARENA_MAX = -8
"""Of `mallopt`, from glibc's malloc.h."""

NOISE = re.compile(r" \[(?:tensorstore_spec|source locations|http_\w+|curl_code)=.*", re.DOTALL)
"""What tensorstore adds to its sentences for programmers."""


def spec_of(place: Place) -> dict[str, Any]:
    """Return what tensorstore calls a place.

    Raises
    ------
    InputError
        If tensorstore has no name for it.
    """
    if not place.remote:
        return {"driver": "file", "path": f"{_path_of(place)}/"}
    scheme, _, rest = place.url.partition("://")
    if scheme in ("s3", "gs"):
        return buckets.spec_of(place.url)
    host, _, path = rest.partition("/")
    path = f"{path.strip('/')}/" if path.strip("/") else ""
    return {"driver": "http", "base_url": f"{scheme}://{host}/", "path": path}


def _path_of(place: Place) -> str:
    """Return the path of a folder: without "..", which tensorstore refuses."""
    path = os.path.realpath(place.path)
    try:
        path.encode()
    except UnicodeEncodeError:
        raise InputError(f"{place}: a name of its path is not UTF-8; rename it") from None
    return path


def context(cache_bytes: int = 0) -> ts.Context:
    """Return a context: so many bytes of decoded chunks are kept, and files are not synced.

    What is written is synced once, before it is made visible.
    """
    _share_arenas()
    buckets.bound_waits()
    return ts.Context(
        {
            "cache_pool": {"total_bytes_limit": cache_bytes},
            "data_copy_concurrency": {"limit": usable_cores()},
            "file_io_concurrency": {"limit": 2 * usable_cores()},
            "file_io_sync": False,
            "s3_request_retries": RETRIES,
            "gcs_request_retries": RETRIES,
            "http_request_retries": RETRIES,
        }
    )


@functools.cache
def _share_arenas() -> None:
    """Have glibc keep freed chunks in few places, for all threads: each would keep its own else.

    Half a gigabyte of 16 MiB chunks that nobody had any more was measured.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library
        return
    mallopt(M_ARENA_MAX, usable_cores())


def open_keys(place: Place) -> ts.KvStore:
    """Open a place as keys and values."""
    with translated(str(place), InputError):
        return ts.KvStore.open(spec_of(place), context=context()).result()


@contextmanager
def translated(what: str, kind: type[TilefanError]) -> Iterator[None]:
    """Turn what tensorstore raises into a sentence; of `kind`, unless it reached no store."""
    try:
        yield
    except (ValueError, RuntimeError, NotImplementedError, MemoryError, TypeError) as error:
        words = NOISE.sub("", str(error)) or type(error).__name__
        kind = StoreError if OUT_OF_REACH.match(words) else kind
        raise kind(f"{what}: {_cause(inert(words))}") from None


def _cause(words: str) -> str:
    """Return a sentence without the names that tensorstore has for kinds of errors.

    Examples
    --------
    >>> _cause('Error parsing object member "codecs": Error parsing value at position 1: no codec')
    'codecs 1: no codec'
    """
    where = " ".join(member or place for member, place in PARSING.findall(words))
    plain = re.sub(r"^[A-Z_]{5,}: ", "", PARSING.sub("", words))
    return f"{where.removeprefix('metadata ')}: {plain}" if where else plain


def read_document(place: Place, keys: ts.KvStore | None, name: str) -> Any:
    """Read a key of JSON; None if there is none.

    Parameters
    ----------
    place : Place
    keys : tensorstore.KvStore, optional
        Of a remote place.
    name : str

    Raises
    ------
    InputError
        If it is no JSON, or too long.
    OSError
        If the system does not let it be read.
    """
    if keys is None:
        try:
            data = read_regular(place.path / name, MAX_DOCUMENT + 1)
        except (FileNotFoundError, NotADirectoryError):
            return None
    else:
        with translated(str(place), InputError):
            result = keys.read(name).result()
        if result.state != "value":
            return None
        data = result.value
    what = f"{place}: {name}"
    check_length(data, what)
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        raise InputError(f"{what}: is no JSON") from None
    if not isinstance(document, dict):
        raise InputError(f"{what}: is no JSON object")
    return document


def check_length(document: bytes, what: str) -> None:
    """Refuse metadata that takes too much memory."""
    if len(document) > MAX_DOCUMENT:
        raise InputError(f"{what}: has more than {MAX_DOCUMENT} bytes")


def is_there(place: Place, keys: ts.KvStore | None, name: str) -> bool:
    """Tell whether there is a key, whatever its value; see `read_document`."""
    if keys is None:
        return (place.path / name).is_file()
    with translated(str(place), InputError):
        return bool(keys.read(name).result().state == "value")
