"""Pictures within strips and tiles of TIFF: how large they say that they are.

Their codecs decode what a picture itself says, not what the file around it says.
"""

from __future__ import annotations

import struct

JPEG = (6, 7, 33007)
PNG = 34933
JPEG_2000 = (33003, 33004, 33005, 34712)

PICTURES = (*JPEG, PNG, *JPEG_2000)
"""Compressions of TIFF that are pictures with a header of their own."""

FRAMES = {0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF}
"""Markers of JPEG after which a frame's size is."""

SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2}
"""Of a pixel of PNG, by its kind."""

SIZE_MARKER = b"\xff\x4f\xff\x51"
"""How a code stream of JPEG 2000 begins."""


def picture_bytes(data: bytes, compression: int) -> int:
    """Return the bytes that a packed picture says it has; 0 if it does not say."""
    try:
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
