"""Arrays in memory, or mapped into it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from coordinator.stores import Source
from coordinator.stores.file_state import FileState
from tiling.dtypes import Array, Dtype
from tiling.geometry.box import Box
from tiling.geometry.edges import segments
from tiling.operations.arithmetic import FREE, VALUE, zero_of


@dataclass(frozen=True, slots=True)
class ArraySource:
    """An array of any strides and byte order; a block inside it is a view, not a copy.

    Parameters
    ----------
    array : ndarray
    name : str
    about : object
        What a file says besides: for the module of its format, which writes it into an output.
    reads : mapping
        Other files that samples were read from; see `coordinator.stores.FileSource`.
    said : tuple of str
        What people should know of how the samples were read.
    """

    array: Array
    name: str = "array"
    about: Any = field(default=None, compare=False)
    reads: Mapping[Path, FileState] = field(default_factory=dict, compare=False)
    said: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the whole array."""
        return self.array.shape

    @property
    def dtype(self) -> Dtype:
        """Of the whole array."""
        return self.array.dtype

    @property
    def chunks(self) -> tuple[int, ...]:
        """(): any box may be read."""
        return ()

    def bound_memory(self, most_bytes: int | None) -> int:  # noqa: ARG002 -- as every source's
        """Return 0: nothing is decoded."""
        return 0

    def notes(self) -> tuple[str, ...]:
        """Return what people should know of how the samples were read."""
        return self.said

    def read(self, box: Box) -> Array:
        """Return the block of a box; see `coordinator.stores.Source`."""
        native = self.dtype.newbyteorder("=")
        pieces = list(segments(box, self.shape))
        if len(pieces) == 1:
            return view(self.array, pieces[0][0]).astype(native, copy=False)
        block = np.empty(box.shape, native)
        for there, here in pieces:
            block[here.slices] = self.array[there.slices]
        return block


@dataclass(frozen=True, slots=True)
class _Derived:
    """What is made of another source, sample by sample."""

    source: Source

    @property
    def name(self) -> str:
        """As the other source's."""
        return self.source.name

    @property
    def shape(self) -> tuple[int, ...]:
        """As the other source's."""
        return self.source.shape

    @property
    def chunks(self) -> tuple[int, ...]:
        """(): its blocks are made when they are asked for."""
        return ()

    def bound_memory(self, most_bytes: int | None) -> int:
        """Have the other source take no more memory; return its bytes."""
        return self.source.bound_memory(most_bytes)


@dataclass(frozen=True, slots=True)
class CastSource(_Derived):
    """Another source's samples in a dtype of its own: what an array that is not yet there is like.

    Parameters
    ----------
    source : Source
    dtype : numpy.dtype
    """

    dtype: Dtype

    def read(self, box: Box) -> Array:
        """Return the block of a box; see `coordinator.stores.Source`."""
        with np.errstate(all="ignore"):
            return self.source.read(box).astype(self.dtype.newbyteorder("="), copy=False)


@dataclass(frozen=True, slots=True)
class MaskedSource(_Derived):
    """Another source and a mask in one: the states of `tiling.operations.arithmetic`.

    Parameters
    ----------
    source : Source
    mask : ArraySource
        Of its shape and any dtype; a sample may change where it is not 0.
    """

    mask: ArraySource

    @property
    def dtype(self) -> Dtype:
        """That of states."""
        return np.dtype(np.uint8)

    def read(self, box: Box) -> Array:
        """Return the block of a box; see `coordinator.stores.Source`."""
        samples, free = _truth(self.source.read(box)), _truth(self.mask.read(box))
        return np.asarray(samples * np.uint8(VALUE) | free * np.uint8(FREE))


@dataclass(frozen=True, slots=True)
class ArraySink:
    """An array that is filled in place."""

    array: Array
    name: str = "array"

    @property
    def committed(self) -> bool:
        """False: the array is the caller's own at any time."""
        return False

    def region(self, box: Box) -> Array:
        """Return the writable view of a box."""
        return view(self.array, box)

    read = region

    def store(self, box: Box, block: Array) -> None:
        """Copy a block into the array, unless it lies there."""
        fill(self.array, box, block)

    def commit(self) -> None:
        """Do nothing: the array is the caller's own."""

    def discard(self) -> None:
        """Do nothing: the array is the caller's own."""

    def suspend(self) -> bool:
        """Do nothing: another process has nothing of it."""
        return False


def _truth(samples: Array) -> Array:
    """Tell which samples are not 0."""
    truth: Array = np.not_equal(samples, zero_of(samples.dtype))
    return truth


def fill(array: Array, box: Box, block: Array) -> None:
    """Copy a block into its box of an array, unless it is a view of it."""
    part = view(array, box)
    if not np.may_share_memory(part, block):
        part[...] = block


def view(array: Array, box: Box) -> Array:
    """Return the part of an array in a box as a view, also of an array without axes."""
    index: Any = (*box.slices, ...)
    part: Array = array[index]
    return part
