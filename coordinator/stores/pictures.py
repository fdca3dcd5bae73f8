"""PNG, in and out, and JPEG, in only: by Pillow, a picture at a time."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
from PIL import Image

from coordinator.errors import InputError
from coordinator.stores import npy
from coordinator.stores.flat_sink import Encode
from coordinator.stores.layout import Layout
from coordinator.stores.outline import Outline
from coordinator.stores.place import Place
from tiling.dtypes import Array, Dtype

FOREIGN = (
    *(Image.DecompressionBombError, ValueError, SyntaxError, LookupError, TypeError),
    *(struct.error, ArithmeticError, EOFError),
)
"""What Pillow raises of files that make no sense."""

MOST_BYTES = 2**31
"""Of a picture, which is decoded in memory."""

SHAPES: Mapping[str, tuple[str, tuple[int, ...]]] = {
    "1": ("?", ()),
    "L": ("u1", ()),
    "I;16": ("<u2", ()),
    "I;16B": (">u2", ()),
    "LA": ("u1", (2,)),
    "RGB": ("u1", (3,)),
    "RGBA": ("u1", (4,)),
}
"""Dtype and colours of a mode."""

KEPT = ("dpi", "icc_profile")
"""Of what a picture says besides samples."""

IHDR = struct.Struct(">16xIIBB")
"""The start of a PNG file: width, height, bits of a sample, and the kind of pixels."""

GREY = 0


@dataclass(frozen=True, slots=True)
class About:
    """What is kept of a picture, as `PIL.Image.save` takes it."""

    options: Mapping[str, Any]


def layout(place: Place) -> Layout:
    """Read the header of a picture.

    Raises
    ------
    InputError
        If it can't be decoded to the samples that it holds, or takes too much memory.
    OSError
        If the system does not let it be read.
    """
    if place.inside:
        raise InputError(f"{place}: a picture is one array; leave out ::{place.inside}")
    with _opened(place) as picture:
        mode = _mode(picture)
        if mode not in SHAPES:
            raise InputError(f"{place}: pixels of kind {mode} can't be read; convert it to TIFF")
        name, colours = SHAPES[mode]
        shape = (picture.height, picture.width, *colours)
        about = About({key: picture.info[key] for key in KEPT if key in picture.info})
        found = Layout(shape, np.dtype(name), None, about=about, stored=f"{picture.format}, {mode}")
    if math.prod(shape) * found.dtype.itemsize > MOST_BYTES:
        raise InputError(
            f"{place}: pictures beyond {MOST_BYTES} bytes are not decoded, this is {shape}"
        )
    return found


def decode(place: Place, into: Array) -> None:
    """Decode a picture."""
    with _opened(place) as picture:
        mode = _mode(picture)
        pixels = picture if picture.mode == mode else picture.convert(mode)
        samples = np.asarray(pixels)
        # Pillow's True is 255, and NumPy's 1.
        into[...] = samples.view(np.uint8) != 0 if samples.dtype.kind == "b" else samples


def _opened(place: Place) -> Any:
    """Open a picture, of which Pillow would read some samples as others."""
    with place.path.open("rb") as file:
        start = file.read(IHDR.size)
    if start.startswith(b"\x89PNG") and len(start) == IHDR.size:
        _, _, bits, kind = IHDR.unpack(start)
        if bits == 16 and kind != GREY:
            raise InputError(
                f"{place}: 16 bits a colour can't be read from PNG; convert it to TIFF"
            )
    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None  # `layout` has one in bytes
    try:
        return Image.open(place.path, formats=("PNG", "JPEG"))
    finally:
        Image.MAX_IMAGE_PIXELS = limit


def _mode(picture: Any) -> str:
    """Return the mode in which a picture is read: a palette's colours, not their numbers."""
    mode: str = picture.mode
    if mode == "P":
        return "RGBA" if "transparency" in picture.info else "RGB"
    return mode


def outline(shape: tuple[int, ...], dtype: Dtype, place: Place, about: Any) -> Outline:
    """Return the outline of the `.npy` file that is encoded in the end.

    Raises
    ------
    InputError
        If there is no such picture.
    """
    colours = shape[2] if len(shape) == 3 else 1
    grey = colours == 1 and len(shape) == 2
    if len(shape) not in (2, 3) or 0 in shape or not (grey or colours in (2, 3, 4)):
        raise InputError(
            f"{place}: a PNG picture has two axes, and perhaps 2 to 4 colours: not {shape}"
        )
    if dtype.itemsize == 2 and not grey:
        raise InputError(
            f"{place}: 16 bits a colour can't be written to PNG: choose TIFF, or --dtype uint8"
        )
    if dtype.kind == "b" and not grey:
        raise InputError(f"{place}: PNG of bool has no colours; choose --dtype uint8")
    return npy.outline(shape, dtype, place, about)


def encoder(place: Place, about: Any) -> Encode:  # noqa: ARG001 -- as every format's
    """Return what writes an array as a picture, with the input's resolution and profile."""
    kept = about.options if isinstance(about, About) else {}

    def encode(array: Array, file: IO[bytes]) -> None:
        # Pillow knows the mode by dtype and shape; it takes 16 bits in this machine's byte order.
        pixels = array.astype(array.dtype.newbyteorder("="), copy=False)
        if pixels.dtype.kind == "b":
            pixels = pixels.view(np.uint8) != 0  # Pillow looks at some of the eight bits
        Image.fromarray(pixels).save(file, format="PNG", **kept)

    return encode
