"""Files that an HDF5 file names: links that are not followed, and sources of virtual datasets.

A stranger's file could name any file. So links into other files are refused before those are
opened, and a virtual dataset gathers from regular files of its own folder and below it only.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

import h5py

from coordinator.errors import InputError, StoreError
from coordinator.stores.atomic_file import read_regular
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
    group, steps = file, _steps(path)
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
            steps = [*_steps(link.path), *steps]
        else:
            group = group[name]
    raise ValueError("too many links")


def _steps(path: str) -> list[str]:
    return [step for step in path.split("/") if step not in ("", ".")]


def file_of(found: Any) -> Path:
    """Return the path of the file that something is in."""
    return Path(found.file.filename).resolve()


def sources(
    dataset: Any,
    place: Place,
    within: frozenset[Source] = frozenset(),
    done: set[Source] | None = None,
) -> Iterator[Any]:
    """Yield a dataset, and all that it gathers samples of, if it is a virtual one.

    Each of those is open until the next one is asked for.

    Parameters
    ----------
    dataset : h5py.Dataset
    place : Place
        Of the input.
    within : frozenset of (Path, str)
        Virtual datasets that this one is a source of.
    done : set of (Path, str), optional
        What was yielded already.

    Raises
    ------
    InputError
        If a source is missing: it would be fill values; or if it is not one to be read.
    """
    done = set() if done is None else done
    yield dataset
    if not dataset.is_virtual:
        return
    folder, own = place.path.resolve().parent, file_of(dataset)
    for source in dataset.virtual_sources():
        what = f"{place}: gathers samples of {inert(source.file_name)}::{inert(source.dset_name)}"
        if "%" in source.file_name + source.dset_name:
            raise InputError(f"{what}, a pattern of names; write them into one file")
        path = own if source.file_name == "." else (own.parent / source.file_name).resolve()
        if not path.is_relative_to(folder):
            raise InputError(f"{what}, which is not in its folder: put it there")
        each = path, source.dset_name
        if each in within or len(within) > MOST_STEPS:
            raise InputError(f"{what}, which gathers of itself")
        if each in done:
            continue
        done.add(each)
        try:
            read_regular(path, 1)
            with h5py.File(path, "r") as file:
                found = find(file, source.dset_name, place)
                if not isinstance(found, h5py.Dataset) or found.external:
                    raise InputError(f"{what}, whose samples are not there")
                yield from sources(found, place, within | {each}, done)
        except (OSError, KeyError, ValueError, StoreError):
            raise InputError(f"{what}, which is missing, or can't be read") from None
