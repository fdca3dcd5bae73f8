"""Outputs of any format, laid out before the first tile: files, and folders of chunks."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from coordinator.errors import InputError
from coordinator.stores import FileSource, Sink
from coordinator.stores.files import Target, row_for
from coordinator.stores.formats import format_named
from coordinator.stores.place import Place
from coordinator.stores.storing import Storing
from tiling.dtypes import Dtype


class OutputTarget(Protocol):
    """An output that is not there yet."""

    @property
    def path(self) -> Path:
        """Where it will be; or what stands for it on this machine."""

    @property
    def grain(self) -> tuple[int, ...]:
        """The box that is written at once; () if any may be."""

    @property
    def stored(self) -> str:
        """How the output is stored, where there are several ways."""

    def create(self, *, keep: bool = False, overwrite: bool = True, sync: bool = True) -> Sink:
        """Open it for writing; see `FlatSink.create`."""


def lay_out(
    place: Place,
    shape: tuple[int, ...],
    dtype: Dtype,
    like: FileSource | None = None,
    storing: Storing = Storing(),  # noqa: B008 -- a frozen value
) -> OutputTarget:
    """Lay out an output of any format; see `Target.of`.

    Parameters
    ----------
    place : Place
    shape : tuple of int
    dtype : numpy.dtype
    like : FileSource, optional
        The input.
    storing : Storing
        How the user wants it to be stored, in a format that has chunks.

    Raises
    ------
    InputError
        If the format can't hold such an array, or is not written.
    """
    if is_folder_named(place):
        about = None if like is None else like.about
        module = row_for(place, dtype).load(place)
        made: OutputTarget = module.target(place, shape, dtype, about, storing)
        return made
    if storing != Storing():
        raise InputError(f"{place}: --chunks, --shards, --codec and --pyramid are for zarr outputs")
    return Target.of(place, shape, dtype, like)


def is_folder_named(place: Place) -> bool:
    """Tell whether an output of this name is to be a folder, of chunks."""
    return place.remote or format_named(place.path).kind == "keyed"
