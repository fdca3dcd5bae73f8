"""The header of JPEG XL: how much memory a picture takes; see ISO/IEC 18181-1, annex D."""

from __future__ import annotations

import struct
import sys

NAKED, BOXED = b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n"
"""How a code stream begins, and a file of boxes that it is in."""

SIDES = ((9, 1), (13, 1), (18, 1), (30, 1))
"""Bits of a length, and what is added."""

RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
"""Of width to height, from the first one on."""

COUNTS = ((0, 0), (0, 1), (4, 2), (12, 1))
"""Of further channels, as `SIDES`."""

DEPTHS = ((0, 8), (0, 10), (0, 12), (6, 1)), ((0, 32), (0, 16), (0, 24), (6, 1))
"""Of a sample, as `SIDES`: of an integer, and of a float."""

COLOURS = 3
"""Of a picture that says no more than its size; others may have a single one."""


class _Bits:
    """Numbers of so many bits, the lowest first."""

    def __init__(self, data: bytes) -> None:
        self._left = int.from_bytes(data, "little")
        self._count = 8 * len(data)

    def take(self, count: int) -> int:
        if count > self._count:
            raise struct.error
        number = self._left & ((1 << count) - 1)
        self._left, self._count = self._left >> count, self._count - count
        return number

    def one_of(self, choices: tuple[tuple[int, int], ...]) -> int:
        bits, more = choices[self.take(2)]
        return self.take(bits) + more

    def size(self) -> int:
        """Return the samples of a picture of one colour."""
        small = self.take(1)
        height = 8 * (self.take(5) + 1) if small else self.one_of(SIDES)
        if (ratio := self.take(3)) != 0:
            above, below = RATIOS[ratio - 1]
            return height * (height * above // below)
        return height * (8 * (self.take(5) + 1) if small else self.one_of(SIDES))


def jpeg_xl_bytes(data: bytes) -> int:
    """Return the bytes that a picture takes at least; any number where it does not say."""
    try:
        return _bytes(_stream(data))
    except struct.error:
        return sys.maxsize


def _bytes(stream: bytes) -> int:
    if not stream.startswith(NAKED):
        return sys.maxsize
    bits = _Bits(stream[len(NAKED) : len(NAKED) + 64])
    samples = bits.size()
    if bits.take(1):  # all else is as it usually is
        return samples * COLOURS
    if bits.take(1):
        bits.take(3)  # how it is turned
        if bits.take(1):
            bits.size()
        if bits.take(1) or bits.take(1):  # a smaller one beside it, or several in turn
            return sys.maxsize
    is_float = bits.take(1)
    depth = bits.one_of(DEPTHS[is_float])
    bits.take(4 * is_float + 1)
    itemsize = 1 if depth <= 8 else 2 if depth <= 16 else 4
    return samples * (1 + bits.one_of(COUNTS)) * itemsize


def _stream(data: bytes) -> bytes:
    """Return the beginning of the code stream, out of its boxes."""
    at = 0
    while data.startswith(BOXED) and at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        head = 8
        if size == 1:
            (size,), head = struct.unpack_from(">Q", data, at + 8), 16
        if kind in (b"jxlc", b"jxlp"):
            return data[at + head + 4 * (kind == b"jxlp") :][:128]
        at += max(size, head)
    return data
