"""Chunks of any lengths along an axis: what each output chunk reads of which ones, with its halo.

A plan (see `tiling.geometry.plan`) cuts an array as it likes. Here the array is cut already, and
the output is cut alike. A chunk may be shorter than the halo, and even empty.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from tiling.geometry.box import Box
from tiling.geometry.edges import read_interval, segments


@dataclass(frozen=True, slots=True)
class Part:
    """What is read of one chunk: its number, where it lies there, and where in the block."""

    chunk: int
    there: slice
    here: slice

    @property
    def length(self) -> int:
        """In samples."""
        return int(self.there.stop - self.there.start)


@dataclass(frozen=True, slots=True)
class Span:
    """What an output chunk reads along one axis: the parts of its block, in all and to keep.

    Parameters
    ----------
    parts : tuple of Part
        In the order of the block; none for an empty chunk.
    length : int
        Of the block.
    crop : slice
        What of the block is the chunk.
    """

    parts: tuple[Part, ...]
    length: int
    crop: slice


def spans(chunks: Sequence[int], halo: tuple[int, int], *, wraps: bool) -> tuple[Span, ...]:
    """Return what each chunk along an axis reads; see `tiling.geometry.edges`.

    Parameters
    ----------
    chunks : sequence of int
        Their lengths.
    halo : (int, int)
        Samples needed before and after.
    wraps : bool
        Whether the edge mode is ``wrap``.

    Examples
    --------
    >>> _, last = spans((3, 4), (2, 2), wraps=False)
    >>> last.length, last.crop, [(part.chunk, part.there) for part in last.parts]
    (6, slice(2, 6, None), [(0, slice(1, 3, None)), (1, slice(0, 4, None))])
    """
    edges = tuple(accumulate(chunks, initial=0))
    return tuple(_span(edges, start, stop, halo, wraps=wraps) for start, stop in pairwise(edges))


def _span(
    edges: tuple[int, ...], start: int, stop: int, halo: tuple[int, int], *, wraps: bool
) -> Span:
    if start == stop:
        return Span((), 0, slice(0, 0))
    low, high = read_interval((start, stop), halo, edges[-1], wraps=wraps)
    parts = tuple(
        part
        for there, here in segments(Box((low,), (high,)), edges[-1:])
        for part in _parts(edges, there.start[0], there.stop[0], here.start[0])
    )
    return Span(parts, high - low, slice(start - low, stop - low))


def _parts(edges: tuple[int, ...], start: int, stop: int, at: int) -> Iterator[Part]:
    """Yield what lies in an interval of the array, which begins at `at` in the block."""
    chunk = bisect_right(edges, start) - 1
    while start < stop:
        end = min(stop, edges[chunk + 1])
        if start < end:
            there = slice(start - edges[chunk], end - edges[chunk])
            yield Part(chunk, there, slice(at, at + end - start))
        at, start, chunk = at + end - start, end, chunk + 1
