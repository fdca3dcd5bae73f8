"""FITS: big-endian samples after a header of 80-byte cards, in blocks of 2880 bytes."""

from __future__ import annotations

import errno
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
from astropy.io import fits
from astropy.utils.exceptions import AstropyWarning

from coordinator.errors import InputError
from coordinator.interruption import let_in
from coordinator.stores.flat_source import open_flat
from coordinator.stores.layout import Content, Layout
from coordinator.stores.outline import Outline, warn_of_lost
from coordinator.stores.place import Place
from coordinator.stores.stale import is_stale
from tiling.dtypes import Array, Dtype
from tiling.geometry.box import Box

FOREIGN = (fits.VerifyError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError)
"""What astropy raises of files that make no sense."""

BLOCK = 2880

STORED = ("BZERO", "BSCALE", "BLANK")
"""Cards that say how samples are stored: those of an output are as they are meant."""

SIGNS = {(8, -128): "i1", (16, 2**15): "u2", (32, 2**31): "u4", (64, 2**63): "u8"}
"""What bits and BZERO mean together: samples whose first bit is stored as its opposite."""

ROWS_BYTES = 2**24
"""Of samples whose first bits are changed at a time."""


def layout(place: Place) -> Layout:
    """Find an image, the first unless the place says which.

    Raises
    ------
    InputError
        If there is none whose samples are in the file as they are meant.
    OSError
        If the system does not let it be read.
    """
    stored = _stored(place)
    header = stored.about
    zero, scale = header.get("BZERO", 0), header.get("BSCALE", 1)
    if "BLANK" in header and header["BITPIX"] > 0:
        raise InputError(
            f"{place}: some of its samples are no numbers (BLANK {header['BLANK']}); write them as "
            "they are meant, such as by astropy as float"
        )
    if (zero, scale) == (0, 1):
        return stored
    meant = SIGNS.get((header["BITPIX"], zero)) if scale == 1 else None
    if meant is None:
        raise InputError(
            f"{place}: its samples are to be scaled (BZERO {zero}, BSCALE {scale}); write them as "
            "they are meant, such as by astropy as float"
        )
    return replace(
        stored,
        dtype=np.dtype(meant),
        offset=None,
        stored=f"BZERO {zero}",
        decode_bytes=2 * max(ROWS_BYTES, _row_bytes(stored.shape, np.dtype(meant))),
        unit="a row",
    )


def decode(place: Place, into: Array) -> None:
    """Give each sample the first bit that is meant."""
    source = open_flat(place, _stored(place))
    size = into.dtype.itemsize
    rows = max(1, ROWS_BYTES // max(1, _row_bytes(into.shape, into.dtype)))
    for first in range(0, len(into), rows):
        let_in()
        part = into[first : first + rows].view(f"u{size}")
        box = Box((first, *(0,) * (into.ndim - 1)), (first + len(part), *into.shape[1:]))
        np.bitwise_xor(source.read(box).view(f"u{size}"), 1 << (8 * size - 1), out=part)


def _row_bytes(shape: tuple[int, ...], dtype: Dtype) -> int:
    return math.prod(shape[1:]) * dtype.itemsize


def contents(place: Place) -> Iterator[Content]:
    """Yield every image."""
    with _opened(place) as images:
        for number, image in enumerate(images):
            if image.is_image and image.header.get("NAXIS", 0):
                dtype = np.dtype(fits.BITPIX2DTYPE[image.header["BITPIX"]]).newbyteorder(">")
                words = f"{type(image).__name__} {image.name}".rstrip()
                yield Content(str(number), tuple(image.shape), dtype.str, words)


def _stored(place: Place) -> Layout:
    """Return where the samples of an image lie, as they are stored."""
    with _opened(place) as images:
        return _layout(_find(images, place), place)


@contextmanager
def _opened(place: Place) -> Iterator[fits.HDUList]:
    with place.path.open("rb") as file:
        if file.read(6) != b"SIMPLE":
            raise InputError(f"{place}: not a FITS file: it does not begin with SIMPLE")
    try:
        with (
            warnings.catch_warnings(category=AstropyWarning, action="ignore"),
            fits.open(place.path, mode="readonly", do_not_scale_image_data=True) as images,
        ):
            yield images
    except OSError as error:
        if error.errno != errno.EINVAL:  # of a seek beyond what a file can have
            raise
        raise InputError(
            f"{place}: truncated: its header announces more than any file holds: save or copy it "
            "again"
        ) from None


def _find(images: Any, place: Place) -> Any:
    if not place.inside:
        for image in images:
            if image.is_image and image.header.get("NAXIS", 0):
                return image
        raise InputError(f"{place}: there is no image in this FITS file")
    try:
        return images[int(place.inside) if place.inside.isdigit() else place.inside]
    except (KeyError, IndexError):
        names = ", ".join(f"{i} {hdu.name}".rstrip() for i, hdu in enumerate(images))
        raise InputError(f"{place}: there is no such extension; there are: {names}") from None


def _layout(image: Any, place: Place) -> Layout:
    header = image.header
    if type(image) not in (fits.PrimaryHDU, fits.ImageHDU):
        raise InputError(f"{place}: a {type(image).__name__}, not an image that is not compressed")
    shape = tuple(header[f"NAXIS{axis}"] for axis in range(header["NAXIS"], 0, -1))
    dtype = fits.BITPIX2DTYPE[header["BITPIX"]]
    return Layout(
        shape, np.dtype(dtype).newbyteorder(">"), image.fileinfo()["datLoc"], about=header.copy()
    )


def outline(shape: tuple[int, ...], dtype: Dtype, place: Place, about: Any) -> Outline:
    """Return the outline of a FITS file of one image, with the cards of the input."""
    if not shape:
        raise InputError(f"{place}: a FITS image has at least one axis")
    header = fits.PrimaryHDU(_empty(shape, dtype)).header
    if isinstance(about, fits.Header):
        kept = about.copy(strip=True)
        for key in {key for key in kept if key in STORED or is_stale(key)}:
            kept.remove(key, ignore_missing=True, remove_all=True)
        warn_of_lost(place, [card.keyword for card in kept.cards if not _is_sound(card)])
        header.extend(filter(_is_sound, kept.cards), update=False, end=True)
    text = header.tostring(endcard=True, padding=True).encode("ascii")
    return Outline.of_header(text, shape, dtype, block=BLOCK)


def _is_sound(card: fits.Card) -> bool:
    """Tell whether a card of an input can be written: one that can't is left out."""
    try:
        return str(card).isascii()
    except FOREIGN:
        return False


def _empty(shape: tuple[int, ...], dtype: Dtype) -> Array:
    """Return an array of any shape that takes no memory."""
    return np.broadcast_to(np.zeros((), dtype), shape)
