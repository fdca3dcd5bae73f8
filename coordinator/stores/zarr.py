"""zarr, versions 2 and 3, sharded or not, and OME images in it; through tensorstore."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Mapping, Set
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import tensorstore as ts

from coordinator.errors import InputError, StoreError
from coordinator.stores.atomic_file import read_regular
from coordinator.stores.file_state import CHUNKS
from coordinator.stores.foreign import ZIP, zipped
from coordinator.stores.keyed_homes import BucketHome, FolderHome, Home
from coordinator.stores.keyed_sink import KeyedSink, Keys
from coordinator.stores.keyed_source import KeyedSource, array_spec
from coordinator.stores.keys import context, is_there, open_keys, read_document, translated
from coordinator.stores.layout import Layout
from coordinator.stores.ome_zarr import (
    AXES,
    Level,
    first_level,
    has_level,
    level_paths,
    new_image,
)
from coordinator.stores.partial import is_zarr
from coordinator.stores.place import Place, stand_in
from coordinator.stores.pyramid import Half, halves_of
from coordinator.stores.storing import Storing
from coordinator.stores.zarr_metadata import Version, ZarrArray, parse
from coordinator.stores.zarr_output import like
from coordinator.text import inert
from tiling.dtypes import Dtype

FOREIGN = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError)
"""What is raised of metadata that makes no sense."""

DEEP = 5
"""Groups in groups that are looked into for them."""

NAMED = 10
"""Arrays that are named to a user who has to say which is meant."""


@dataclass(frozen=True, slots=True)
class Node:
    """An array or a group: its metadata, its attributes, and whether it repeats others'."""

    version: Version
    is_array: bool
    document: Any
    attributes: Mapping[str, Any]
    consolidated: bool = False

    def level(self, path: str) -> Level:
        """Return a level of the image that this group is."""
        return Level(self.attributes, path, self.consolidated)


@dataclass(frozen=True, slots=True)
class Found:
    """An array, and where its chunks are."""

    place: Place
    metadata: ZarrArray


def layout(place: Place) -> Layout:
    """Read the metadata of an array: of the only one, or of an image's first level.

    Raises
    ------
    InputError
        If there is none, or several and none is named; or if it is no array of plain numbers.
    OSError
        If the system does not let it be read.
    """
    array = _find(place).metadata
    return Layout(array.shape, array.dtype, None, about=array, stored=array.details)


def open_source(place: Place) -> KeyedSource:
    """Open an array for reading; see `layout`."""
    found = _find(place)
    source = KeyedSource(found.place, found.metadata, str(place))
    source.check()
    return source


def _find(place: Place) -> Found:
    root = Place(place.path)
    keys = open_keys(root) if root.remote else None
    inside = place.inside.strip("/")
    if ".." in inside.split("/"):
        raise InputError(f"{place}: names no array inside it")
    node = _node(root, keys, inside)
    if node is None:
        if inside:
            raise InputError(f"{place}: there is nothing of that name{_others(root, keys, '')}")
        if not root.remote and not root.path.exists():
            raise FileNotFoundError(2, "No such file or directory", str(root.path))
        if not root.remote and root.path.is_file():
            is_zip = read_regular(root.path, len(ZIP)) == ZIP
            what = zipped(root.path) if is_zip else "a file, and zarr is read from folders"
            raise InputError(f"{place}: {what}")
        raise InputError(
            f"{place}: no zarr array: there is no zarr.json, .zarray or .zgroup in it"
            f"{_others(root, keys, '')}"
        )
    level = None
    if not node.is_array:
        path = first_level(node.attributes)
        if path is None:
            raise InputError(f"{place}: a group, no array{_others(root, keys, inside)}")
        level, inside = node.level(path), f"{inside}/{path}".strip("/")
        node = _node(root, keys, inside)
        if node is None or not node.is_array or ".." in path.split("/"):
            raise InputError(f"{place}: an OME image whose first level, {path!r}, is not there")
    elif inside:
        level = _level_of(root, keys, inside)
    array = parse(node.version, node.document, node.attributes, str(place))
    where = Place(root.path / inside) if inside else root
    return Found(where, replace(array, level=level))


def _node(root: Place, keys: ts.KvStore | None, inside: str) -> Node | None:
    """Read an array or a group; None if there is neither."""
    below = f"{inside}/" if inside else ""

    def read(name: str) -> Any:
        return read_document(root, keys, below + name)

    if (document := read("zarr.json")) is not None:
        is_group = document.get("node_type") == "group"
        repeats = bool(document.get("consolidated_metadata"))
        return Node(3, not is_group, document, _mapping(document.get("attributes")), repeats)
    if (document := read(".zarray")) is not None:
        return Node(2, True, document, _mapping(read(".zattrs")))
    if read(".zgroup") is not None:
        repeats = is_there(root, keys, f"{below}.zmetadata")
        return Node(2, False, {}, _mapping(read(".zattrs")), repeats)
    return None


def _mapping(attributes: Any) -> Mapping[str, Any]:
    return attributes if isinstance(attributes, dict) else {}


def _level_of(root: Place, keys: ts.KvStore | None, inside: str) -> Level | None:
    """Return which level of an image an array is; None if of none."""
    parts = inside.split("/")
    for cut in range(len(parts) - 1, max(-1, len(parts) - 3), -1):
        group, path = "/".join(parts[:cut]), "/".join(parts[cut:])
        node = _node(root, keys, group)
        if node is not None and has_level(node.attributes, path):
            return node.level(path)
    return None


def _others(root: Place, keys: ts.KvStore | None, inside: str) -> str:
    """Return the names of what is in a group of this machine, for a sentence."""
    if keys is not None:
        return ""
    names = [f"::{name}" for name in itertools.islice(_names(root, inside), NAMED + 1)]
    more = ", ..." if len(names) > NAMED else ""
    return f"; there are {', '.join(names[:NAMED])}{more}" if names else ""


def _names(root: Place, inside: str, depth: int = 0) -> Iterator[str]:
    """Yield the names of arrays and images below a group, without what can't be read."""
    folder = root.path / inside
    for path in sorted(folder.iterdir())[: 10 * NAMED] if folder.is_dir() else ():
        name, node = path.relative_to(root.path).as_posix(), None
        with suppress(InputError, OSError):
            node = _node(root, None, name)
        if node is not None and (node.is_array or first_level(node.attributes) is not None):
            yield name
        elif node is not None and depth < DEEP:
            yield from _names(root, name, depth + 1)


@dataclass(frozen=True, slots=True)
class Target:
    """An output that is not there yet; see `coordinator.stores.files.Target`."""

    name: str
    home: Home
    keys: Keys
    metadata: ZarrArray
    halves: tuple[Half, ...] = ()

    @property
    def path(self) -> Path:
        """Where it will be, or what stands for that."""
        return self.home.path

    @property
    def grain(self) -> tuple[int, ...]:
        """The box that is written at once."""
        return self.metadata.grain

    @property
    def stored(self) -> str:
        """How it is stored, in words."""
        levels = f", {1 + len(self.halves)} levels" if self.halves else ""
        return f"{self.metadata.words}{levels}"

    def create(self, *, keep: bool = False, overwrite: bool = True, sync: bool = True) -> KeyedSink:
        """Take the place where chunks grow; see `KeyedSink.create`."""
        return KeyedSink.create(
            self.name,
            self.home,
            self.keys,
            self.metadata,
            self.halves,
            keep=keep,
            overwrite=overwrite,
            sync=sync,
        )


def target(
    place: Place, shape: tuple[int, ...], dtype: Dtype, about: Any, storing: Storing
) -> Target:
    """Lay out an output.

    Parameters
    ----------
    place : Place
    shape : tuple of int
    dtype : numpy.dtype
    about : object
        Of the input; the output is like it if that is zarr.
    storing : Storing
        What the user says.

    Raises
    ------
    InputError
        If there is no such zarr array, or others would be lost.
    """
    if place.url.startswith("http"):
        raise InputError(f"{place}: a web server is only read from; name a folder, s3:// or gs://")
    if (above := _array_above(place)) is not None:
        raise InputError(f"{place}: would be among the chunks of {above}; name another output")
    if not place.remote:
        _check_replaced(place)
    source = about if isinstance(about, ZarrArray) else None
    metadata = like(source, shape, dtype, storing, str(place))
    if metadata.level is None and ".ome." in place.path.name.lower():
        metadata = _as_image(metadata, str(place))
    spec = array_spec({"driver": "memory"}, metadata)
    with translated(f"{place}: can't be stored so", InputError):
        ts.open(spec, create=True, open=True, assume_metadata=True, context=context()).result()
    home = BucketHome(place, stand_in(place)) if place.remote else FolderHome(place.path)
    halves = _halves(metadata, place) if storing.pyramid else ()
    return Target(str(place), home, Keys.of(metadata, halves), metadata, halves)


def _array_above(place: Place) -> Place | None:
    """Return the array that a place is inside of, as far as one may look; None if there is none."""
    path = place.path if place.remote else place.path.absolute()
    with suppress(InputError, StoreError, OSError):
        for above in map(Place, path.parents):
            if above.remote != place.remote:  # there is nothing above a bucket
                break
            node = _node(above, open_keys(above) if above.remote else None, "")
            if node is not None and node.is_array:
                return above
    return None


def _check_replaced(place: Place) -> None:
    """Refuse an output in the place of a group that holds more than the levels of one image."""
    said: Mapping[str, Any] = {}
    with suppress(InputError, OSError):
        if (node := _node(place, None, "")) is not None:
            said = node.attributes
    others = itertools.chain(
        (name for name in _names(place, "") if not has_level(said, name)),
        _strangers(place.path, {name.partition("/")[0] for name in level_paths(said)}),
    )
    if found := [*itertools.islice(others, NAMED)]:
        raise InputError(
            f"{place}: what else is in this group would be lost ({inert(', '.join(found))}); name "
            "another output, or remove it first"
        )


def _strangers(folder: Path, levels: Set[str]) -> Iterator[str]:
    """Yield what lies in an array or an image and is neither chunks nor metadata."""
    with suppress(OSError), os.scandir(folder) as entries:
        for name in sorted(entry.name for entry in entries):
            known = name in {"zarr.json", *levels} or name.startswith(".")
            if not known and not CHUNKS.fullmatch(name) and not is_zarr(folder / name):
                yield name


def _as_image(array: ZarrArray, what: str) -> ZarrArray:
    """Return an array as the only level of an image; version 3 names the axes there too."""
    level = new_image(len(array.shape), array.version, what)
    if array.version == 2:
        return replace(array, level=level)
    names = [*AXES[-len(array.shape) :]]
    return replace(array, level=level, document={**array.document, "dimension_names": names})


def _halves(array: ZarrArray, place: Place) -> tuple[Half, ...]:
    if array.level is None:
        raise InputError(
            f"{place}: --pyramid is for OME images; name it {place.path.stem}.ome.zarr"
        )
    return halves_of(array, array.level.halvings(array.shape))
