"""Pictures within strips and tiles of TIFF: how large they say that they are.

Their codecs decode what a picture itself says, not what the file around it says.
"""

from __future__ import annotations

import struct
import sys

from coordinator.stores.jpeg_xl import jpeg_xl_bytes

JPEG = (6, 7, 33007)
PNG = 34933
JPEG_2000 = (33003, 33004, 33005, 34712)
WEBP = (34927, 50001)
LERC = 34887
JPEG_XL = (50002, 52546)

PICTURES = (*JPEG, PNG, *JPEG_2000, *WEBP, LERC, *JPEG_XL)
"""Compressions of TIFF that are pictures with a header of their own."""

FRAMES = {0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF}
"""Markers of JPEG after which a frame's size is."""

SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2}
"""Of a pixel of PNG, by its kind."""

SIZE_MARKER = b"\xff\x4f\xff\x51"
"""How a code stream of JPEG 2000 begins."""

LERC_2 = b"Lerc2 "
"""How each band of LERC begins."""

LERC_BYTES = (1, 1, 2, 2, 4, 4, 4, 8)
"""Of a sample, by its kind."""


def picture_bytes(data: bytes, compression: int) -> int:
    """Return the bytes that a packed picture says it has; 0 if it does not say."""
    try:
        if compression in JPEG_XL:
            return jpeg_xl_bytes(data) if data else 0
        if compression in WEBP:
            return _of_webp(data)
        if compression == LERC:
            return _of_lerc(data)
        if compression in JPEG:
            return _of_jpeg(data)
        if compression == PNG:
            width, height, bits, kind = struct.unpack_from(">IIBB", data, 16)
            return int(width * height) * SAMPLES.get(kind, 4) * (2 if bits > 8 else 1)
        if compression in JPEG_2000 and (at := data.find(SIZE_MARKER)) >= 0:
            right, bottom, left, top = struct.unpack_from(">IIII", data, at + 8)
            (samples,) = struct.unpack_from(">H", data, at + 40)
            return int((right - left) * (bottom - top) * samples)
    except struct.error:  # cut short
        pass
    return 0


def _of_webp(data: bytes) -> int:
    """Return the bytes of a canvas of four colours; see RFC 9649."""
    if data[12:16] == b"VP8X":
        sides = int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    elif data[12:16] == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        sides = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    else:
        width, height = struct.unpack_from("<HH", data, 26)
        sides = width & 0x3FFF, height & 0x3FFF
    return sides[0] * sides[1] * 4


def _of_lerc(data: bytes) -> int:
    """Return the bytes of all bands, which have the first one's size; of the second version only.

    See https://github.com/Esri/lerc.
    """
    if not data.startswith(LERC_2):
        return sys.maxsize if len(data) >= len(LERC_2) else 0
    (version,) = struct.unpack_from("<i", data, 6)
    at = 14 if version >= 3 else 10  # there is a sum from there on
    rows, columns, depth = struct.unpack_from("<3i", data, at)
    at, depth = (at + 24, depth) if version >= 4 else (at + 20, 1)
    (kind,) = struct.unpack_from("<i", data, at)
    itemsize = LERC_BYTES[kind] if 0 <= kind < len(LERC_BYTES) else 8
    return int(rows * columns * depth) * itemsize * data.count(LERC_2)


def _of_jpeg(data: bytes) -> int:
    """Return the bytes of the first frame; see ITU T.81, annex B."""
    at = 2
    while True:
        mark, marker, length = struct.unpack_from(">BBH", data, at)
        if mark != 0xFF:
            return 0
        if marker in FRAMES:
            bits, height, width, samples = struct.unpack_from(">BHHB", data, at + 4)
            return int(height * width * samples) * (2 if bits > 8 else 1)
        at += 1 if marker == 0xFF else 2 + length
