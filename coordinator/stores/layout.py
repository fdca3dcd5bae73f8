"""Layout of an array in an existing file: shape, dtype, offset of its samples, metadata."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from coordinator.errors import InputError
from coordinator.stores.file_state import FileState
from coordinator.stores.outline import Order
from coordinator.stores.place import Place
from tiling.dtypes import Dtype


@dataclass(frozen=True, slots=True)
class Content:
    """One of the arrays in a file.

    Parameters
    ----------
    inside : str
        What names it, as `coordinator.stores.place.Place.inside`.
    shape : tuple of int
    dtype : str
    stored : str
        How its samples are stored, for people.
    """

    inside: str
    shape: tuple[int, ...]
    dtype: str
    stored: str


@dataclass(frozen=True, slots=True)
class Layout:
    """What is known of an array before any sample is read.

    Parameters
    ----------
    shape : tuple of int
    dtype : numpy.dtype
        As the samples are read, with their byte order in the file.
    offset : int, optional
        Bytes before the samples; None if they do not lie in the file as they are, one after
        another: then the format's module decodes them.
    order : str
        "C" if the last axis lies densely, "F" if the first does.
    about : object
        What the format's module wants to know of an input when it writes an output like it.
    stored : str
        How the samples are stored, for people.
    decode_bytes : int
        Memory that decoding takes at once.
    unit : str
        What is decoded as a whole, in a sentence.
    reads : mapping
        Other files that samples are read from, and what they were when they were looked at.
    notes : tuple of str
        What people should know of how the samples are read.
    """

    shape: tuple[int, ...]
    dtype: Dtype
    offset: int | None
    order: Order = "C"
    about: Any = None
    stored: str = ""
    decode_bytes: int = 0
    unit: str = "it"
    reads: Mapping[Path, FileState] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def check(self, place: Place) -> None:
        """Refuse what is no array of plain numbers.

        Raises
        ------
        InputError
            Saying what it is.
        """
        if any(length < 0 for length in self.shape) or (self.offset or 0) < 0:
            raise InputError(f"{place}: its header makes no sense: an array of {self.shape}")
        if self.dtype.kind not in "biufc":
            raise InputError(f"{place}: not an array of plain numbers, but of {self.dtype}")
