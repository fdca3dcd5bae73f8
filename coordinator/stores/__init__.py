"""Sources and sinks of blocks: arrays in memory, files, folders of chunks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from tiling.dtypes import Array, Dtype
from tiling.geometry.box import Box

if TYPE_CHECKING:
    from coordinator.stores.file_state import FileState

__all__ = ["FileSource", "Sink", "Source"]


class Source(Protocol):
    """An array that gives blocks."""

    @property
    def name(self) -> str:
        """What people call it: a path, or a word."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the whole array."""

    @property
    def dtype(self) -> Dtype:
        """Of the whole array, in any byte order."""

    @property
    def chunks(self) -> tuple[int, ...]:
        """The box that is read at once, whatever is asked for; () where any box may be."""

    def bound_memory(self, most_bytes: int | None) -> int:
        """Take no more than so many bytes to decode chunks and keep them; return how many."""

    def read(self, box: Box) -> Array:
        """Return the block of a box in native byte order, with any strides; it may be a view.

        The box may reach round the edges (see `tiling.geometry.edges.segments`).
        """


class FileSource(Source, Protocol):
    """A source that is a file, or a folder of chunks."""

    @property
    def array(self) -> Array:
        """All of it: as large as the array, unless that is decoded into a file."""

    @property
    def about(self) -> Any:
        """What it says besides: for the module of its format, which writes it into an output."""

    @property
    def reads(self) -> Mapping[Path, FileState]:
        """Other files that its samples are in, and what those were when they were looked at."""

    def notes(self) -> Sequence[str]:
        """Return what people should know of how its samples are read."""


class Sink(Protocol):
    """An array that takes blocks, in any order; `commit`, `discard` or `suspend` ends its life."""

    @property
    def name(self) -> str:
        """What people call it: a path, or a word."""

    @property
    def committed(self) -> bool:
        """Whether the output is whole and visible: nothing can be taken back."""

    def region(self, box: Box) -> Array:
        """Return where a box may be computed: an array in any byte order, to be stored when full.

        It may be the output itself, or nothing of it yet.
        """

    def store(self, box: Box, block: Array) -> None:
        """Take a block, which may be its box's `region`; from any thread."""

    def read(self, box: Box) -> Array:
        """Return the block of a box as it was stored.

        Raises
        ------
        StoreError
            If it is damaged, or was never stored whole.
        """

    def commit(self) -> None:
        """Make the output whole and visible."""

    def discard(self) -> None:
        """Leave nothing behind."""

    def suspend(self) -> bool:
        """Leave what there is for a run that resumes this one; return whether there is anything."""
