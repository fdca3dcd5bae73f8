"""TIFF, BigTIFF, and what ImageJ and OME make of them: read, and laid out, by tifffile.

Where the samples of a series lie in the file one after another as they are, they are read there. An
output is written so: one series, its pages' samples together.
"""

from __future__ import annotations

import io
import logging
import re
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from lzma import LZMAError
from typing import Any, Literal

import tifffile

from coordinator.errors import InputError
from coordinator.interruption import let_in
from coordinator.stores.foreign import PALETTE, conversion
from coordinator.stores.layout import Content, Layout
from coordinator.stores.outline import Outline, OutlineFile, data_bytes
from coordinator.stores.place import Place
from coordinator.stores.tiff_metadata import About, about_series, colours
from coordinator.stores.tiff_segments import decode_bytes, read_page, word
from tiling.dtypes import Array, Dtype

FOREIGN = (
    *(tifffile.OmeXmlError, struct.error, ValueError, LookupError, TypeError, AttributeError),
    *(ArithmeticError, RuntimeError, AssertionError, SyntaxError, EOFError, LZMAError, zlib.error),
)
"""What tifffile raises of files that make no sense."""

DAMAGE = re.compile(r"TiffPages|TiffFile |TiffTag (2[5-8]\d|27[013789]|32[2-5]) ")
"""Of what tifffile logs of errors: pages that are lost, and tags without which none can be read."""

INSIDE = re.compile(r"(series|level)=(\d{1,6})")

BIG_BYTES = 2**32 - 2**26
"""Of samples from which on a file is BigTIFF: offsets of 32 bits, and room for its pages."""

ALIGNED = 64
"""Samples begin at a multiple of it."""

UUID = "00000000-0000-4000-8000-74696c656661"
"""Of OME outputs: one of their own each would make a resumed run another file's."""

WIDE_BITS = 128
"""Of a complex128: tifffile does not say where such samples lie."""

COLOUR_NUMBERS = 3
"""Of what a sample may mean: the number of a colour."""

IMAGEJ_DTYPES = ("uint8", "int16", "uint16", "float32")


@dataclass(frozen=True, slots=True)
class _Chosen:
    """Which array of a file is meant."""

    series: int = 0
    level: int = 0


def layout(place: Place) -> Layout:
    """Find a series, the first unless the place says which.

    Raises
    ------
    InputError
        If there is no such series, or not all of it.
    OSError
        If the system does not let it be read.
    """
    chosen = _chosen(place)
    with _opened(place) as file:
        series = _series(file, chosen, place)
        dtype, offset = series.dtype, _offset(series, file)
        _check(series, file, place)
        about = _about(file, series, chosen)
        if offset is not None:
            dtype = dtype.newbyteorder(file.byteorder)
        page = series.keyframe
        return Layout(
            series.shape,
            dtype,
            offset,
            about=about,
            stored=_words(series),
            decode_bytes=0 if offset is not None else decode_bytes(page),
            unit=f"a {word(page)}",
        )


def contents(place: Place) -> Iterator[Content]:
    """Yield every level of every series."""
    with _opened(place) as file:
        for number, series in enumerate(file.series):
            for level, each in enumerate(series.levels):
                inside = f"series={number},level={level}" if level else f"series={number}"
                yield Content(
                    inside, each.shape, each.dtype.str if each.dtype else "", _words(each)
                )


def decode(place: Place, into: Array) -> None:
    """Decompress and put together a series, page by page."""
    with _opened(place) as file:
        series = _series(file, _chosen(place), place)
        pages = into.reshape(len(series.pages), *series.keyframe.shape)
        for page, plane in zip(series.pages, pages, strict=True):
            let_in()
            try:
                read_page(page, plane, place)
            except (ValueError, NotImplementedError, ImportError) as error:
                if "imagecodecs" not in str(error) and not isinstance(error, ImportError):
                    raise
                raise InputError(
                    f"{place}: stored by {_coding(page.keyframe)}; try: pip install imagecodecs"
                ) from None


def _coding(page: Any) -> str:
    """Return what somebody has to undo to read a page."""
    odd = (
        (page.compression != 1, page.compression.name),
        (page.predictor != 1, f"predictor {int(page.predictor)}"),
        (page.bitspersample % 8, f"{page.bitspersample} bits"),
    )
    return " and ".join(words for is_so, words in odd if is_so)


def _words(series: Any) -> str:
    """Return how a series is stored."""
    page, count = series.keyframe, len(series.pages)
    cut = f"tiles of {page.tilelength}x{page.tilewidth}" if page.is_tiled else "strips"
    codec = "uncompressed" if page.compression == 1 else page.compression.name.lower()
    return f"{count} page{'s' * (count != 1)}, {cut}, {codec}"


class _Errors(logging.Handler):
    """Keeps what tifffile says of a file that is read in part only."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a message."""
        if DAMAGE.search(text := record.getMessage()):
            self.texts.append(text)


class _Alone(io.FileIO):
    """A file beside which tifffile opens no others: it asks for a descriptor before it does."""

    def fileno(self) -> int:
        """Refuse to tell."""
        raise io.UnsupportedOperation("fileno")


@contextmanager
def _opened(place: Place) -> Iterator[tifffile.TiffFile]:
    """Open a file; refuse one of which tifffile reads what it can, and logs what is missing.

    Raises
    ------
    InputError
        If that is so.
    OSError
        If the system does not let it be read.
    """
    errors = _Errors()
    tifffile.logger().addHandler(errors)
    try:
        with io.BufferedReader(_Alone(place.path)) as raw, tifffile.TiffFile(raw) as file:
            yield file
    finally:
        tifffile.logger().removeHandler(errors)
    if errors.texts:
        raise InputError(f"{place}: damaged, or cut short: {errors.texts[0]}")


def _chosen(place: Place) -> _Chosen:
    words = place.inside.split(",") if place.inside else []
    found = [INSIDE.fullmatch(word) for word in words]
    if None in found:
        raise InputError(f"{place}: name ::level=1, ::series=2, or both by a comma")
    return _Chosen(**{match[1]: int(match[2]) for match in found if match})


def _series(file: tifffile.TiffFile, chosen: _Chosen, place: Place) -> Any:
    if chosen.series >= len(file.series):
        raise InputError(f"{place}: there are {len(file.series)} series, counted from 0")
    levels = file.series[chosen.series].levels
    if chosen.level >= len(levels):
        raise InputError(f"{place}: there are {len(levels)} levels, counted from 0")
    return levels[chosen.level]


def _check(series: Any, file: tifffile.TiffFile, place: Place) -> None:
    """Refuse a series whose samples are not all there, or not what is meant.

    Raises
    ------
    InputError
        If so.
    """
    if series.dtype is None:
        raise InputError(f"{place}: its samples are no plain numbers")
    if missing := sum(page is None for page in series.pages):
        what = f"{missing} of its {len(series.pages)} planes"
        if not _is_one_of_several(file):
            raise InputError(f"{place}: {what} are missing")
        raise InputError(
            f"{place}: {what} lie in other files; write them all into one, as tifffile.imwrite does"
        )
    if series.transform is not None:
        raise InputError(f"{place}: its samples are to be scaled; write them as they are meant")
    if series.keyframe.photometric == COLOUR_NUMBERS and not file.is_imagej:
        raise InputError(f"{place}: {PALETTE.name}; {conversion(PALETTE, place.path)}")


def _is_one_of_several(file: tifffile.TiffFile) -> bool:
    """Tell whether OME says that planes lie in files of other names."""
    names = re.findall(r'\bFileName="([^"]*)"', file.ome_metadata or "")
    return any(name.lower() != file.filename.lower() for name in names)


def _offset(series: Any, file: tifffile.TiffFile) -> int | None:
    """Return where the samples of a series lie; None if they are not there as they are."""
    if any(page is None or page.parent is not file for page in series.pages):
        return None
    offset: int | None = series.dataoffset
    page = series.keyframe
    if offset is None and page.bitspersample == WIDE_BITS and page.compression == 1:
        places = [
            place
            for page in series.pages
            for place in zip(page.dataoffsets, page.databytecounts, strict=True)
        ]
        end = places[0][0]
        for at, size in places:
            if at != end:
                return None
            end += size
        return places[0][0] if end - places[0][0] == series.nbytes else None
    return offset


def _about(file: tifffile.TiffFile, series: Any, chosen: _Chosen) -> About:
    """Return what is kept; of a reduced level a pixel has another size than the file says."""
    about = about_series(file, series, chosen.series)
    return replace(about.plain(), resolution={}, tags=()) if chosen.level else about


def outline(shape: tuple[int, ...], dtype: Dtype, place: Place, about: Any) -> Outline:
    """Return the outline of a TIFF file of one series.

    Raises
    ------
    InputError
        If there is no such TIFF file.
    """
    if not shape or 0 in shape:
        raise InputError(f"{place}: a TIFF file has samples along one axis at least, not {shape}")
    like = about if isinstance(about, About) else About(layout=colours(shape, dtype.name))
    tries = [_flavoured(place, dtype, like)]
    if tries[0] != like.plain():
        tries.append(replace(like.plain(), flavour=tries[0].flavour))
    for number, each in enumerate(tries, 1):
        try:
            return _laid_out(shape, dtype, each)
        except FOREIGN as error:
            if number == len(tries):
                what = f"{each.flavour} TIFF files".lstrip()
                raise InputError(f"{place}: {what} can't hold {dtype} {shape}: {error}") from None
    raise AssertionError


def _flavoured(place: Place, dtype: Dtype, like: About) -> About:
    """Return what an output says: as OME does if it is called so, as ImageJ if the input does."""
    if ".ome." in place.path.name.lower():
        return like if like.flavour == "OME" else replace(like.plain(), flavour="OME")
    if like.flavour == "ImageJ" and dtype.name in IMAGEJ_DTYPES:
        return like
    return like.plain() if like.flavour else like


def _laid_out(shape: tuple[int, ...], dtype: Dtype, like: About) -> Outline:
    """Have tifffile write a file without samples; see that it reads it as what was asked for.

    Raises
    ------
    ValueError, or another of `FOREIGN`
        If it can't, or doesn't.
    """
    file = OutlineFile()
    size = data_bytes(shape, dtype)
    metadata = dict(like.metadata)
    if like.flavour == "OME":
        metadata["UUID"] = UUID
    found = tifffile.imwrite(
        file,
        shape=shape,
        dtype=dtype,
        byteorder=_byteorder(dtype, like),
        bigtiff=size >= BIG_BYTES and like.flavour != "ImageJ",
        imagej=like.flavour == "ImageJ",
        ome=like.flavour == "OME",
        returnoffset=True,
        software="tilefan",
        align=ALIGNED,
        description=like.description or None,
        metadata=metadata,
        extratags=like.tags,
        **like.layout,
        **like.resolution,
    )
    if found is None:
        raise ValueError("its pages do not lie together")
    file.seek(0)
    with tifffile.TiffFile(file) as made:
        series = made.series[0]
        got = series.shape, series.dtype.newbyteorder("="), _offset(series, made), len(made.series)
    if got != (shape, dtype.newbyteorder("="), found[0], 1):
        raise ValueError(f"they would be read as {got[0]} of {got[1]}")
    return file.outline(shape, dtype, found[0])


def _byteorder(dtype: Dtype, like: About) -> Literal["<", ">"]:
    """Return a file's byte order: the dtype's, or the input's if that has none."""
    if dtype.itemsize == 1:
        return ">" if like.byteorder == ">" else "<"
    return ">" if dtype.str.startswith(">") else "<"
