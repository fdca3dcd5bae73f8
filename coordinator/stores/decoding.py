"""The memory that decoding takes: known from headers, and refused before it is taken.

A unit (a strip or a tile, a chunk, a picture) is decoded as a whole, and its header says how large
it is then. What is packed may be more than that says: a deflate stream of a megabyte holds up to a
gigabyte. So one that could be too large is inflated beforehand, without keeping it.
"""

from __future__ import annotations

import zlib
from bz2 import BZ2Decompressor
from collections.abc import Callable, Iterable, Iterator, Mapping
from lzma import LZMADecompressor, LZMAError
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from coordinator.errors import InputError
from coordinator.machine import available_bytes, resident_bytes
from coordinator.stores.place import Place
from coordinator.text import megabytes

if TYPE_CHECKING:
    from typing_extensions import Buffer

Packing: TypeAlias = Literal["deflate", "lzma", "bzip2"]

COPIES = 4
"""Of a unit while it is decoded: packed, unpacked, in this machine's byte order, and put to use."""

SPARE_BYTES = 2**24
"""That any unit may take, whatever its header says: what is packed in less is not looked at."""

DEFLATE_RATIO = 1032
"""Most bytes that a byte of deflate stands for."""

PIECE_BYTES = 2**20
"""That are unpacked at a time."""

STREAMS: Mapping[Packing, Callable[[], Any]] = {
    "deflate": zlib.decompressobj,
    "lzma": LZMADecompressor,
    "bzip2": BZ2Decompressor,
}


def most_bytes(size: int) -> int:
    """Return the bytes that may be packed in a unit of so many before it is refused."""
    return max(2 * size, SPARE_BYTES)


def damaged(place: Place, unit: str, size: int, found: str) -> InputError:
    """Return what is said of a unit that is larger than it should be."""
    return InputError(
        f"{place}: damaged: {unit} should have {size} bytes, not {found}: save or copy it again"
    )


def unit_bytes(size: int, at_once: int = 1) -> int:
    """Return the memory that decoding units of so many bytes takes, so many at once."""
    return at_once * max(COPIES * size, SPARE_BYTES)


def check_memory(
    place: Place, need_bytes: int, limit_bytes: int | None, unit: str, to: str = "decode"
) -> None:
    """Refuse what takes more memory to decode than there is, or than this process may have.

    Parameters
    ----------
    place : Place
    need_bytes : int
        To decode as much as is decoded at once.
    limit_bytes : int, optional
        Of this process; half of the machine's free memory unless given.
    unit : str
        What is decoded at once, in a sentence.
    to : str
        Or to encode.

    Raises
    ------
    InputError
        If so.
    """
    what = f"{place}: {unit} takes {megabytes(need_bytes)} MB to {to}"
    if limit_bytes is not None:
        if (need := resident_bytes() + need_bytes) > limit_bytes:
            raise InputError(
                f"{what}: {megabytes(limit_bytes)} MB do not suffice; say --max-memory "
                f"{need // 10**6 + 1}MB, or store it in smaller parts"
            )
    elif need_bytes > (free := available_bytes() // 2):
        raise InputError(
            f"{what}, more than {megabytes(free)} MB, which is half of what is free here; store it "
            "in smaller parts"
        )


def may_hold_more(stored: int, size: int, packing: Packing) -> bool:
    """Tell whether so many packed bytes could be much more than a unit should have."""
    return packing != "deflate" or stored * DEFLATE_RATIO > most_bytes(size)


def check_packed(place: Place, data: bytes, size: int, unit: str, packing: Packing) -> None:
    """Refuse a packed unit that holds much more than its header says.

    Parameters
    ----------
    place : Place
    data : bytes
        As they are stored; what follows the stream does not matter.
    size : int
        Bytes that the unit should have.
    unit : str
        In a sentence.
    packing : str

    Raises
    ------
    InputError
        If so; damage is for the library to tell.
    """
    most = most_bytes(size)
    if may_hold_more(len(data), size, packing) and _holds_more(data, most, packing):
        raise damaged(place, unit, size, f"more than {most} packed in it")


def unpacked(stored: Iterable[Buffer], packing: Packing) -> Iterator[bytes]:
    """Yield what a stream holds, in pieces of at most `PIECE_BYTES`.

    Raises
    ------
    zlib.error, lzma.LZMAError, OSError
        If it is damaged.
    """
    stream = STREAMS[packing]()
    for data in stored:
        left: Any = data
        while not stream.eof:
            piece = stream.decompress(left, PIECE_BYTES)
            left = stream.unconsumed_tail if packing == "deflate" else b""
            if not piece:
                break
            yield piece


def _holds_more(data: bytes, most: int, packing: Packing) -> bool:
    view = memoryview(data)
    stored = (view[at : at + PIECE_BYTES] for at in range(0, len(view), PIECE_BYTES))
    size = 0
    try:
        for piece in unpacked(stored, packing):
            size += len(piece)
            if size > most:
                return True
    except (zlib.error, LZMAError, OSError):  # as bzip2 says
        pass
    return False
