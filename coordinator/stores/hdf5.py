"""HDF5: a contiguous dataset is samples at an offset, which the library tells."""

from __future__ import annotations

import importlib
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import h5py
import numpy as np

from coordinator.errors import InputError
from coordinator.interruption import let_in
from coordinator.stores.decoding import unit_bytes
from coordinator.stores.file_state import FileState
from coordinator.stores.hdf5_chunks import check_chunks, check_filters, chunk_bytes, filters
from coordinator.stores.hdf5_links import file_of, find, sources
from coordinator.stores.layout import Content, Layout
from coordinator.stores.outline import Outline, OutlineFile, warn_of_lost
from coordinator.stores.place import Place
from coordinator.stores.stale import is_stale
from coordinator.text import inert
from tiling.dtypes import Array, Dtype

FOREIGN = (LookupError, RuntimeError, ValueError, TypeError, ArithmeticError)
"""What h5py raises of files that make no sense."""

UNNAMED = "/data"
"""Of the dataset in an output, where neither its place nor the input names one."""

ALIGNED = 64
"""Samples begin at a multiple of it."""

LINKED = {
    *("DIMENSION_LIST", "REFERENCE_LIST", "CLASS", "NAME"),
    *("_NCProperties", "_Netcdf4Dimid", "_Netcdf4Coordinates"),
}
"""Attributes that mean something beside other datasets only."""

FILL = ("_FillValue", "missing_value")
"""Attributes that are a sample which means nothing, in the samples' own dtype."""

READ_BYTES = 2**24
"""Of a dataset without chunks that is read at a time."""

MOST_NAMED = 20
"""Datasets that an error names."""


@dataclass(frozen=True, slots=True)
class About:
    """What an input's dataset is called, its attributes, the unreadable ones, and its file's."""

    path: str
    attributes: dict[str, Any]
    lost: tuple[str, ...] = ()
    of_file: dict[str, Any] = field(default_factory=dict)


def layout(place: Place) -> Layout:
    """Find a dataset: the only one, unless the place says which.

    Raises
    ------
    InputError
        If there is no such dataset of plain numbers, or what it needs is missing.
    OSError
        If the system, or the library, does not let it be read.
    """
    with _opened(place) as file:
        dataset = _find(file, place)
        dtype = _dtype(dataset, place)
        offset = _offset(dataset)
        found = [(file_of(each), chunk_bytes(each)) for each in sources(dataset, place)]
        others, largest = {path for path, _ in found[1:]}, max(size for _, size in found)
        return Layout(
            dataset.shape,
            dtype,
            offset,
            about=_about(dataset, file),
            stored=_words(dataset),
            decode_bytes=unit_bytes(largest) if largest else 0,
            unit="a chunk",
            reads={path: FileState.of(Place(path)) for path in sorted(others - {file_of(file)})},
        )


def contents(place: Place) -> Iterator[Content]:
    """Yield every dataset of numbers."""
    with _opened(place) as file:
        for name in _names(file):
            dataset = file[name]
            yield Content(name, dataset.shape, dataset.dtype.str, _words(dataset))


def decode(place: Place, into: Array) -> None:
    """Read a dataset that is chunked, compressed or gathered from other ones, box by box."""
    with _opened(place) as file:
        dataset = _find(file, place)
        for each in sources(dataset, place):
            check_filters(each, place)
            check_chunks(each, place)
        for box in _boxes(dataset):
            let_in()
            dataset.read_direct(into, box, box)


def _opened(place: Place) -> h5py.File:
    if not h5py.is_hdf5(place.path):
        place.path.open("rb").close()
        raise InputError(f"{place}: not an HDF5 file")
    with suppress(ImportError):  # more filters, where somebody has installed them
        importlib.import_module("hdf5plugin")
    return h5py.File(place.path, "r")


def _boxes(dataset: Any) -> Iterator[tuple[slice, ...]]:
    """Yield boxes that make up a dataset: its chunks, or what is read at a time."""
    if not dataset.size:
        return
    if dataset.chunks is not None:
        yield from dataset.iter_chunks()
        return
    if not dataset.shape:
        yield ()
        return
    rows = max(1, READ_BYTES // max(1, dataset.nbytes // max(1, len(dataset))))
    for start in range(0, len(dataset), rows):
        yield (slice(start, start + rows), *(slice(None) for _ in dataset.shape[1:]))


def _words(dataset: Any) -> str:
    """Return how a dataset is stored."""
    if _offset(dataset) is not None:
        return "contiguous"
    if dataset.is_virtual:
        return "gathered from other datasets"
    names = ", ".join(name for _, name in filters(dataset)) or "uncompressed"
    chunks = f"chunks of {'x'.join(map(str, dataset.chunks))}" if dataset.chunks else "not chunked"
    return f"{chunks}, {names}"


def _find(file: Any, place: Place) -> Any:
    if not place.inside:
        names = list(_names(file))
        if len(names) == 1:
            return file[names[0]]
        what = f"{place}: holds {len(names)} datasets"
        hint = f"name one: {place}::{names[0]}" if names else "none can be filtered"
        raise InputError(f"{what}; {hint}{_others(names)}")
    try:
        found = find(file, place.inside, place)
    except (KeyError, ValueError) as error:
        raise InputError(
            f"{place}: there is no such dataset{_others(list(_names(file)))} ({error})"
        ) from None
    if not isinstance(found, h5py.Dataset):
        raise InputError(f"{place}: a group, not a dataset{_others(list(_names(file)))}")
    return found


def _names(file: Any) -> Iterator[str]:
    """Yield the paths of all datasets of numbers."""
    found: list[str] = []

    def look(name: str, each: Any) -> None:
        if isinstance(each, h5py.Dataset) and each.dtype.kind in "biufc" and each.shape is not None:
            found.append(f"/{name}")

    file.visititems(look)
    yield from found


def _others(names: list[str]) -> str:
    return f"; there are: {', '.join(names[:MOST_NAMED])}" if names else ""


def _dtype(dataset: Any, place: Place) -> Dtype:
    dtype: Dtype = dataset.dtype
    if dataset.shape is None or dtype.kind not in "biufc":
        raise InputError(f"{place}: not an array of plain numbers, but of {dtype}")
    if dataset.external:
        raise InputError(f"{place}: its samples are in other files ({dataset.external[0][0]})")
    return np.dtype(dtype.str)


def _offset(dataset: Any) -> int | None:
    """Return where the samples lie in the file; None if they do not lie there as they are."""
    same = dataset.id.get_type() == h5py.h5t.py_create(dataset.dtype, logical=True)
    if dataset.chunks is not None or dataset.is_virtual or not same:
        return None
    offset: int | None = dataset.id.get_offset()
    return 0 if not dataset.size else offset


def _about(dataset: Any, file: Any) -> About:
    (attributes, lost), (of_file, lost_of_file) = _attributes(dataset), _attributes(file)
    return About(dataset.name, attributes, lost + lost_of_file, of_file)


def _attributes(of: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return attributes that mean the same elsewhere; and names of those that can't be read."""
    attributes, lost = {}, []
    for name in of.attrs:
        try:
            dtype = of.attrs.get_id(name).dtype
            if name not in LINKED and h5py.check_ref_dtype(dtype) is None:
                attributes[name] = of.attrs[name]
        except (OSError, *FOREIGN):
            lost.append(name)
    return attributes, tuple(lost)


def outline(shape: tuple[int, ...], dtype: Dtype, place: Place, about: Any) -> Outline:
    """Return the outline of a file of one contiguous dataset, with the input's attributes.

    One that can't be written so is left out: bytes that are no text, or 64 KiB and more.

    Raises
    ------
    InputError
        If other datasets would be lost.
    """
    like = about if isinstance(about, About) else About(UNNAMED, {})
    path = place.inside or like.path
    _check_lost(place, path, like)
    file, lost = OutlineFile(), list(like.lost)
    with h5py.File(file, "w", alignment_threshold=1, alignment_interval=ALIGNED) as made:
        dataset = _create(made, path, shape, dtype, place)
        kept = {k: v for k, v in like.attributes.items() if _stays_true(k, v, dtype)}
        lost += [*_write(kept, dataset), *_write(like.of_file, made)]
        made.flush()
        offset = dataset.id.get_offset() or 0
    warn_of_lost(place, lost)
    if not offset:  # nothing lies there
        file.seek(0, 2)
        offset = file.tell()
    return file.outline(shape, dtype, offset)


def _stays_true(name: str, value: Any, dtype: Dtype) -> bool:
    """Tell whether an attribute is true of samples of a dtype that were filtered."""
    if name in FILL:
        return np.asarray(value).dtype == dtype
    return not is_stale(name)


def _write(attributes: dict[str, Any], of: Any) -> Iterator[str]:
    """Write attributes; yield the names of those that can't be."""
    for name, value in attributes.items():
        try:
            of.attrs[name] = value
        except (OSError, *FOREIGN):
            yield name


def _create(
    file: Any, path: str, shape: tuple[int, ...], dtype: Dtype, place: Place
) -> h5py.Dataset:
    """Create a dataset whose room is taken at once, and filled by nobody."""
    creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    creation.set_layout(h5py.h5d.CONTIGUOUS)
    creation.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    creation.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    creation.set_obj_track_times(False)
    links = h5py.h5p.create(h5py.h5p.LINK_CREATE)
    links.set_create_intermediate_group(True)
    links.set_char_encoding(h5py.h5t.CSET_UTF8)
    space, kind = h5py.h5s.create_simple(shape), h5py.h5t.py_create(dtype, logical=True)
    if not shape:
        space = h5py.h5s.create(h5py.h5s.SCALAR)
    try:
        name = path.encode("utf-8")
        return h5py.Dataset(h5py.h5d.create(file.id, name, kind, space, creation, links))
    except (ValueError, RuntimeError, TypeError) as error:
        raise InputError(f"{place}: no name of a dataset: {error}") from None


def _check_lost(place: Place, path: str, like: About) -> None:
    """Refuse an output that is a file with other contents: it would be replaced as a whole."""
    if not place.path.is_file() or not h5py.is_hdf5(place.path):
        return
    with h5py.File(place.path, "r") as file:
        other = next(_beside(file, f"/{path.strip('/')}", like.of_file), None)
    if other is not None:
        raise InputError(
            f"{place}: the file has other contents, which would be lost ({inert(other)}); outputs "
            "are new files: name one, and copy it there by h5copy"
        )


def _beside(group: Any, path: str, written: Collection[str] = ()) -> Iterator[str]:
    """Yield what a group holds besides attributes that are written, a dataset, and its groups."""
    if any(name not in written for name in group.attrs):
        yield f"attributes of {group.name}"
    for name in group:
        own = f"{group.name.rstrip('/')}/{name}"
        hard = isinstance(group.get(name, getlink=True), h5py.HardLink)
        if hard and path.startswith(f"{own}/") and isinstance(group[name], h5py.Group):
            yield from _beside(group[name], path)
        elif own != path:
            yield own
