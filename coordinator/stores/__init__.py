"""Sources and sinks of blocks: arrays in memory, `.npy` files."""

from typing import Protocol

from tiling.dtypes import Array, Dtype
from tiling.geometry.box import Box

__all__ = ["Sink", "Source"]


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

    def read(self, box: Box) -> Array:
        """Return the block of a box in native byte order, with any strides; it may be a view.

        The box may reach round the edges (see `tiling.geometry.edges.segments`).
        """


class Sink(Protocol):
    """An array that takes blocks, in any order; `commit`, `discard` or `suspend` ends its life."""

    @property
    def name(self) -> str:
        """What people call it: a path, or a word."""

    @property
    def committed(self) -> bool:
        """Whether the output is whole and visible: nothing can be taken back."""

    def region(self, box: Box) -> Array:
        """Return the writable view of a box, in the sink's own byte order."""

    def commit(self) -> None:
        """Make the output whole and visible."""

    def discard(self) -> None:
        """Leave nothing behind."""

    def suspend(self) -> bool:
        """Leave what there is for a run that resumes this one; return whether there is anything."""
