"""Files that an HDF5 file names: links that are not followed, and sources of virtual datasets.

A stranger's file could name any file. So links into other files are refused before those are
opened, and a virtual dataset gathers from regular files of its own folder and below it only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import h5py

from coordinator.errors import InputError, StoreError
from coordinator.stores.atomic_file import read_regular
from coordinator.stores.file_state import FileState
from coordinator.stores.place import Place
from coordinator.text import inert

MOST_STEPS = 100
"""Links and groups on the way to a dataset, and virtual datasets within each other."""

Source: TypeAlias = tuple[Path, str]
"""A file, and the path of a dataset in it."""


def find(file: Any, path: str, place: Place) -> Any:
    """Return what a path of a file leads to; no other file is opened.

    Raises
    ------
    KeyError, ValueError
        If it leads to nothing.
    InputError
        If it leads to another file.
    """
    group, steps = file, [*filter(None, path.split("/"))]
    for _ in range(MOST_STEPS):
        if not steps:
            return group
        name, *steps = steps
        link = group.get(name, getlink=True) if isinstance(group, h5py.Group) else None
        if link is None:
            raise KeyError(path)
        if isinstance(link, h5py.ExternalLink):
            to = f"{inert(str(link.filename))}::{inert(str(link.path))}"
            raise InputError(f"{place}: a link to {to}; name that")
        if isinstance(link, h5py.SoftLink):
            group = file if link.path.startswith("/") else group
            steps = [*filter(None, link.path.split("/")), *steps]
        elif name != ".":
            group = group[name]
    raise ValueError("too many links")


def files_of(dataset: Any, place: Place) -> Mapping[Path, FileState]:
    """Return the other files that a virtual dataset gathers from, as they are now.

    Raises
    ------
    InputError
        If one is missing: it would be fill values; or if it is not one to be read.
    """
    own = place.path.resolve()
    paths = {Path(each.file.filename).resolve() for each in sources(dataset, place)}
    return {path: FileState.of(Place(path)) for path in sorted(paths - {own})}


def sources(dataset: Any, place: Place, seen: frozenset[Source] = frozenset()) -> Iterator[Any]:
    """Yield a dataset, and all that it gathers samples of, if it is a virtual one.

    Each of those is open until the next one is asked for.

    Raises
    ------
    InputError
        As `files_of` does.
    """
    yield dataset
    if not dataset.is_virtual:
        return
    folder, own = place.path.resolve().parent, Path(dataset.file.filename).resolve()
    for source in dataset.virtual_sources():
        what = f"{place}: gathers samples of {inert(source.file_name)}::{inert(source.dset_name)}"
        if "%" in source.file_name + source.dset_name:
            raise InputError(f"{what}, a pattern of names; write them into one file")
        path = own if source.file_name == "." else (own.parent / source.file_name).resolve()
        if not path.is_relative_to(folder):
            raise InputError(f"{what}, which is not in its folder: put it there")
        each = path, source.dset_name
        if each in seen or len(seen) > MOST_STEPS:
            raise InputError(f"{what}, which gathers of itself")
        try:
            read_regular(path, 1)
            with h5py.File(path, "r") as file:
                found = find(file, source.dset_name, place)
                if not isinstance(found, h5py.Dataset) or found.external:
                    raise InputError(f"{what}, whose samples are not there")
                yield from sources(found, place, seen | {each})
        except (OSError, KeyError, ValueError, StoreError):
            raise InputError(f"{what}, which is missing") from None
