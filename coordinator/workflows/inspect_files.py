"""Comparison, provenance and previews of existing arrays."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

from coordinator.checks.difference import Cut, Difference, compare
from coordinator.errors import InputError, StoreError
from coordinator.report.artifacts import check_replaceable
from coordinator.report.png import encode
from coordinator.report.preview import preview
from coordinator.report.provenance import Provenance, find_provenance, load_provenance, mark
from coordinator.run.request import tile_shape
from coordinator.stores.atomic_file import write_bytes
from coordinator.stores.file_state import FileState
from coordinator.stores.files import find_contents, find_layout, open_direct
from coordinator.stores.layout import Content
from coordinator.stores.partial import check_output
from coordinator.stores.place import Place
from tiling.geometry.grid import Grid
from tiling.geometry.halo import Halo

PNG_START = b"\x89PNG\r\n"
"""The first bytes of a picture: a file with others is not replaced."""


def describe(array: Path) -> dict[str, Any]:
    """Return what is known of a file before any sample is read, in words and numbers.

    Of one that holds several arrays, all are listed, unless one is named.

    Raises
    ------
    InputError, StoreError
        If it can't be read.
    """
    place = Place.parse(array)
    row, contents = find_contents(place)
    facts: dict[str, Any] = {"array": str(place), "format": row.name}
    if place.inside or len(contents) < 2 or not row.named:  # else none is meant
        facts |= _of_array(place)
    if len(contents) > 1 and not place.inside:
        facts["arrays"] = [_of_content(place, each) for each in contents]
    return facts | {"file": FileState.of(place).file_bytes}


def _of_array(place: Place) -> dict[str, Any]:
    layout = find_layout(place)[1]
    return {
        "shape": list(layout.shape),
        "dtype": layout.dtype.str,
        "stored": layout.stored or ("as it is" if layout.offset is not None else "compressed"),
        "bytes": math.prod(layout.shape) * layout.dtype.itemsize,
    }


def _of_content(place: Place, content: Content) -> dict[str, Any]:
    return {
        "array": str(replace(place, inside=content.inside)),
        "shape": list(content.shape),
        "dtype": content.dtype,
        "stored": content.stored,
    }


def diff_files(left: Path, right: Path, tile: Any = None) -> tuple[Difference, Cut | None]:
    """Compare two files of arrays; also return the tiles that places are counted in.

    Parameters
    ----------
    left, right : Path
    tile : int or sequence of int, optional
        Shape of the tiles; what the provenance of either file says unless given.

    Raises
    ------
    TilefanError, TilingError
        If a file can't be read, or the tile is none.
    """
    a, b = open_direct(left), open_direct(right)
    cut = cut_of(a.shape, tile, left, right)
    return compare(a, b, cut), cut


def cut_of(shape: tuple[int, ...], tile: Any, *made: Path) -> Cut | None:
    """Return the tiles of an array of this shape: as `tile` says, or the first provenance."""
    if (size := tile_shape(tile, len(shape))) is not None:
        return Cut(Grid(shape, size), Halo.none(len(shape)))
    for path in made:
        try:
            provenance = find_provenance(path)
        except (InputError, StoreError):  # the arrays can be compared without it
            continue
        if provenance is not None and provenance.shape == shape:
            return Cut(Grid(shape, provenance.tile), Halo(*provenance.halo))
    return None


def show_file(output: Path) -> tuple[Provenance, bool | None]:
    """Return the provenance of an output, and whether the file is as it was written.

    Where no digest was taken, only another size tells that it is not.

    Raises
    ------
    TilefanError
        If either can't be read.
    """
    provenance = load_provenance(output)
    now = mark(output, math.inf if provenance.output.digest else 0)
    if provenance.output.digest or now.file_bytes != provenance.output.file_bytes:
        return provenance, now == replace(provenance.output, path=now.path)
    return provenance, None


def preview_files(
    before: Path, after: Path, picture: Path, tile: Any = None, *, overwrite: bool = False
) -> None:
    """Write a picture of an input, its output and their difference.

    Parameters
    ----------
    before, after : Path
        Files of arrays of one shape.
    picture : Path
        A PNG file.
    tile : int or sequence of int, optional
        Whose seams are marked; what the provenance of the output says unless given.
    overwrite : bool
        Whether the picture may exist.

    Raises
    ------
    TilefanError, TilingError
        If they can't be read, have other shapes, or the picture can't be written.
    """
    a, b = open_direct(before), open_direct(after)
    if a.shape != b.shape or 0 in a.shape:
        shapes = f"{a.shape} and {b.shape}"
        raise InputError(f"{before} and {after}: want arrays of one shape, not of {shapes}")
    cut = cut_of(a.shape, tile, after)
    if picture.suffix.lower() not in (".png", ""):
        raise InputError(
            f"{picture}: a preview is a PNG picture; write -o {picture.with_suffix('.png')}"
        )
    check_replaceable(picture, PNG_START, [before, after])
    check_output(picture, before, overwrite=overwrite)
    pixels = preview(a, b, cut.grid if cut else None)
    write_bytes(picture, encode(pixels))
