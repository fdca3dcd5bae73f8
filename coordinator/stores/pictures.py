"""PNG, in and out, and JPEG, in only: by Pillow, a picture at a time."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
from PIL import Image

from coordinator.errors import InputError
from coordinator.interruption import let_in
from coordinator.stores import npy
from coordinator.stores.decoding import check_memory
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

ORIENTATION = 0x112
"""Of EXIF: which side is up. Samples are read as they are stored, whatever it says."""

PIXEL_BYTES = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2}
"""Of a pixel in Pillow's memory; 4 in other modes."""

COEFFICIENT_BYTES = 2
"""Of each sample of a progressive JPEG, which are all kept while it is decoded."""

ROWS_BYTES = 2**22
"""Of a picture, that are copied at a time."""

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
        return Layout(
            shape,
            np.dtype(name),
            None,
            about=_about(picture),
            stored=f"{picture.format}, {mode}",
            decode_bytes=_decode_bytes(picture),
            unit="the picture",
            notes=tuple(_notes(picture, place)),
        )


def decode(place: Place, into: Array) -> None:
    """Decode a picture."""
    with _opened(place) as picture:
        mode = _mode(picture)
        rows = max(1, ROWS_BYTES // (4 * picture.width))
        for top in range(0, picture.height, rows):
            let_in()
            bottom = min(top + rows, picture.height)
            part = picture.crop((0, top, picture.width, bottom))
            samples = np.asarray(part if part.mode == mode else part.convert(mode))
            # Pillow's True is 255, and NumPy's 1.
            is_bool = samples.dtype.kind == "b"
            into[top:bottom] = samples.view(np.uint8) != 0 if is_bool else samples


def _about(picture: Any) -> About:
    """Return what is kept of a picture."""
    kept = {key: picture.info[key] for key in KEPT if key in picture.info}
    if (side := _orientation(picture)) != 1:
        exif = Image.Exif()
        exif[ORIENTATION] = side
        kept["exif"] = exif
    return About(kept)


def _orientation(picture: Any) -> int:
    """Return which side is up; of PNG without decoding it, as Pillow would to look for more."""
    if picture.format == "PNG" and "exif" not in picture.info:
        return 1
    try:
        return int(picture.getexif().get(ORIENTATION, 1))
    except (OSError, *FOREIGN):  # damaged, as the samples need not be
        return 1


def _notes(picture: Any, place: Place) -> Iterator[str]:
    """Yield what is not to be seen in the samples."""
    if (side := _orientation(picture)) != 1:
        yield (
            f"{place}: EXIF says to turn the picture (orientation {side}); its samples are "
            "filtered as they are stored, and PNG outputs say the same"
        )
    if (frames := getattr(picture, "n_frames", 1)) > 1:
        yield f"{place}: the first of its {frames} pictures is read"
    if "transparency" in picture.info and picture.mode != "P":
        yield f"{place}: its transparent colour is read, and written, as any other"


def _decode_bytes(picture: Any) -> int:
    """Return the memory that decoding takes at once, besides the samples."""
    pixel_bytes = PIXEL_BYTES.get(picture.mode, 4)
    if picture.format != "PNG":
        pixel_bytes += COEFFICIENT_BYTES * len(picture.getbands())
    return int(picture.width * picture.height) * pixel_bytes + 4 * ROWS_BYTES


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
    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None  # `layout` tells the memory
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
    pixel_bytes = dtype.itemsize if grey else 4
    check_memory(place, shape[0] * shape[1] * pixel_bytes, None, "the picture", "encode")
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
