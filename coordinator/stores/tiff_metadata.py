"""TIFF metadata: read from an input, and written to an output through tifffile.

It is kept where a filter leaves it true: where the image was taken and how large a pixel is, the
names of axes and channels, descriptions. Ranges of display and minima are not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import tifffile

from coordinator.stores.stale import is_stale

Flavour: TypeAlias = Literal["", "ImageJ", "OME"]

GDAL_METADATA = 42112

CARRIED = (
    274,  # which side is up
    *(315, 33432, 34675),  # artist, copyright, colour profile
    *(33550, 33922, 34264, 34735, 34736, 34737),  # where a picture of the earth lies
    *(GDAL_METADATA, 42113),  # GDAL: its metadata, and which value means nothing
)
"""Tags that are written as they were read."""

ITEM = re.compile(r"""\s*<Item\s[^>]*?\bname=["']([^"']*)["'][^>]*>.*?</Item>""", re.DOTALL)

IMAGEJ_KEYS = ("unit", "spacing", "finterval", "fps", "loop", "mode", "Info", "Labels", "LUTs")

PIXELS_KEYS = (
    *(f"PhysicalSize{axis}{unit}" for axis in "XYZ" for unit in ("", "Unit")),
    *("TimeIncrement", "TimeIncrementUnit"),
)

IMAGE_KEYS = ("Name", "Description", "AcquisitionDate")

CHANNEL_KEYS = ("Name", "Color", "Fluor", "EmissionWavelength", "ExcitationWavelength")

COLOURS = {"uint8", "uint16"}
"""Dtypes of which a last axis of three or four samples is one of colours."""


@dataclass(frozen=True, slots=True)
class About:
    """What is kept of an input's series; `tifffile.imwrite` has most of it as arguments."""

    flavour: Flavour = ""
    byteorder: str = ""
    layout: Mapping[str, Any] = field(default_factory=dict)
    resolution: Mapping[str, Any] = field(default_factory=dict)
    description: bytes = b""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    tags: tuple[tuple[Any, ...], ...] = ()

    def plain(self) -> About:
        """Return it without words of other programs, which may mean another layout by them."""
        return About("", self.byteorder, self.layout, self.resolution, tags=self.tags)


def about_series(file: tifffile.TiffFile, series: Any, number: int) -> About:
    """Return what is kept of a series with this number."""
    page = series.keyframe
    return About(
        flavour=_flavour(file),
        byteorder=file.byteorder,
        layout=_layout(page),
        resolution=_resolution(page),
        description=_description(file, page),
        metadata=_metadata(file, series, number),
        tags=tuple(_written(tag) for tag in page.tags if tag.code in CARRIED),
    )


def _written(tag: Any) -> tuple[Any, ...]:
    """Return a tag as `tifffile.imwrite` takes it, without GDAL's statistics of the samples."""
    if tag.code != GDAL_METADATA or not isinstance(tag.value, str):
        return tag.code, int(tag.dtype), tag.count, tag.value, True
    text = ITEM.sub(lambda item: "" if is_stale(item[1]) else item[0], tag.value)
    return tag.code, int(tag.dtype), 0, text, True


def colours(shape: tuple[int, ...], name: str) -> dict[str, Any]:
    """Return how pages are laid out of an array that comes from no TIFF file."""
    if len(shape) < 2:
        return {}
    if len(shape) > 2 and shape[-1] in (3, 4) and name in COLOURS:
        return {"photometric": "rgb", "planarconfig": "contig"}
    return {"photometric": "minisblack"}


def _flavour(file: tifffile.TiffFile) -> Flavour:
    return "OME" if file.is_ome else "ImageJ" if file.is_imagej else ""


def _layout(page: Any) -> dict[str, Any]:
    """Return what the samples of a pixel mean, and whether they lie together."""
    names = {0: "miniswhite", 2: "rgb"}
    layout: dict[str, Any] = {"photometric": names.get(int(page.photometric), "minisblack")}
    if page.samplesperpixel > 1:
        layout["planarconfig"] = "separate" if int(page.planarconfig) == 2 else "contig"
        if page.extrasamples:
            layout["extrasamples"] = tuple(map(int, page.extrasamples))
    return layout


def _resolution(page: Any) -> dict[str, Any]:
    values = [page.tags.valueof(code) for code in (282, 283)]
    if not all(isinstance(value, tuple) and len(value) == 2 and all(value) for value in values):
        return {}
    unit = int(page.resolutionunit)
    return {"resolution": tuple(values), "resolutionunit": unit} if unit in (1, 2, 3) else {}


def _description(file: tifffile.TiffFile, page: Any) -> bytes:
    """Return the words of an image, unless they are how another program lays it out."""
    text = page.description
    if file.is_ome or file.is_imagej or text == page.shaped_description:
        return b""
    encoded: bytes = text.encode("utf-8")
    return encoded


def _metadata(file: tifffile.TiffFile, series: Any, number: int) -> dict[str, Any]:
    axes = {"axes": series.axes} if not set(series.axes) & set("QI") else {}
    if file.is_ome:
        return axes | _of_ome(file.ome_metadata or "", number)
    if file.is_imagej:
        known = file.imagej_metadata or {}
        return axes | {key: known[key] for key in IMAGEJ_KEYS if key in known}
    shaped: dict[str, Any] = (file.shaped_metadata or ({},))[0]
    lost = {key for key in shaped if key in ("shape", "axes") or is_stale(key)}
    return axes | {key: value for key, value in shaped.items() if key not in lost}


def _of_ome(xml: str, number: int) -> dict[str, Any]:
    images = _list(tifffile.xml2dict(xml).get("OME", {}).get("Image", []))
    image = images[number] if number < len(images) else {}
    pixels = image.get("Pixels", {})
    kept = {key: image[key] for key in IMAGE_KEYS if isinstance(image.get(key), str)}
    kept |= {key: pixels[key] for key in PIXELS_KEYS if key in pixels}
    channels = _list(pixels.get("Channel", []))
    named = {
        key: [channel[key] for channel in channels]
        for key in (*CHANNEL_KEYS, *(f"{key}Unit" for key in CHANNEL_KEYS[3:]))
        if channels and all(key in channel for channel in channels)
    }
    return kept | ({"Channel": named} if named else {})


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
