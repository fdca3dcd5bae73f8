"""The box that a tile reads near the edges of the array, so that its inside equals the whole's.

A filter extends the array beyond its edges by a rule, the edge mode. A tile that carries its halo
meets that rule in two ways:

``reflect mirror nearest constant``
    look no further from the edge than the halo is deep. So the read box is the write box grown by
    the halo and clipped at the true edges::

        |wwwwww|rrr           rrr|wwwwww|rrr           rrr|wwwwww|
        ^ true edge             all inside              true edge ^

    and the filter's own mode, acting at the block's edges, does at a true edge what it would have
    done on the whole array. At a false edge it invents samples that reach the halo only, which is
    cropped. Nothing is ever padded: that would be wrong for ``constant``, whose fill value is
    applied anew at every pass. A halo deeper than the axis clips to the whole axis, where SciPy's
    repeated reflection does the rest.

``wrap``
    looks at the far side, so the read box runs past the edge and the source fetches the rest from
    round the other end. Once it would be as long as the axis, the whole axis is read instead and
    the filter wraps by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Literal, TypeAlias

from tiling.errors import UnsupportedError
from tiling.geometry.box import Box
from tiling.geometry.halo import Halo

Mode: TypeAlias = Literal["reflect", "mirror", "nearest", "constant", "wrap"]
"""What happens beyond the edges of an array, as `scipy.ndimage` names it."""

MODES: dict[str, Mode] = {
    "reflect": "reflect",
    "grid-mirror": "reflect",
    "mirror": "mirror",
    "nearest": "nearest",
    "constant": "constant",
    "grid-constant": "constant",
    "wrap": "wrap",
    "grid-wrap": "wrap",
}
"""Every edge mode that SciPy's correlations take, and the plain name of what it does."""


def plain_mode(mode: object) -> Mode:
    """Return the plain name of an edge mode.

    Parameters
    ----------
    mode : object
        SciPy's name of an edge mode, ``grid-`` ones too.

    Raises
    ------
    UnsupportedError
        For anything but a name in `MODES`.
    """
    if not isinstance(mode, str) or mode not in MODES:
        raise UnsupportedError(
            f"boundary mode not supported: {mode!r}; one of {', '.join(sorted(MODES))}"
        )
    return MODES[mode]


def read_interval(
    write: tuple[int, int], halo: tuple[int, int], length: int, *, wraps: bool
) -> tuple[int, int]:
    """Return what a tile reads along one axis.

    Parameters
    ----------
    write : (int, int)
        The interval that the tile owns, within ``[0, length)``.
    halo : (int, int)
        Samples needed before and after.
    length : int
        Length of the array's axis.
    wraps : bool
        Whether the edge mode is ``wrap``; then the interval may leave ``[0, length)``.

    Examples
    --------
    >>> read_interval((0, 4), (2, 2), 10, wraps=False)
    (0, 6)
    >>> read_interval((0, 4), (2, 2), 10, wraps=True)
    (-2, 6)
    >>> read_interval((0, 4), (3, 3), 10, wraps=True)
    (0, 10)
    """
    start, stop = write[0] - halo[0], write[1] + halo[1]
    if not wraps:
        return max(start, 0), min(stop, length)
    return (start, stop) if stop - start < length else (0, length)


def read_box(write: Box, halo: Halo, shape: tuple[int, ...], wraps: tuple[bool, ...]) -> Box:
    """Return the box that a tile reads, in array coordinates; see `read_interval`.

    Parameters
    ----------
    write : Box
        What the tile owns in the output.
    halo : Halo
        In samples.
    shape : tuple of int
        Of the array.
    wraps : tuple of bool
        The axes that are read round the edges.
    """
    intervals = [
        read_interval((start, stop), (before, after), length, wraps=wrap)
        for start, stop, before, after, length, wrap in zip(
            write.start, write.stop, halo.before, halo.after, shape, wraps, strict=True
        )
    ]
    return Box(tuple(low for low, _ in intervals), tuple(high for _, high in intervals))


def segments(box: Box, shape: tuple[int, ...]) -> Iterator[tuple[Box, Box]]:
    """Yield the plain pieces of a box that may reach round the array's edges.

    Parameters
    ----------
    box : Box
        In array coordinates, no longer than the array on any axis.
    shape : tuple of int
        Shape of the array.

    Yields
    ------
    (Box, Box)
        Where the piece lies in the array, and where it belongs in the block.

    Examples
    --------
    >>> list(segments(Box((-2,), (3,)), (10,)))  # doctest: +NORMALIZE_WHITESPACE
    [(Box(start=(8,), stop=(10,)), Box(start=(0,), stop=(2,))),
     (Box(start=(0,), stop=(3,)), Box(start=(2,), stop=(5,)))]
    """
    axes = [
        _pieces(start, stop, length)
        for start, stop, length in zip(box.start, box.stop, shape, strict=True)
    ]
    for pieces in product(*axes):
        there = Box(tuple(low for low, _, _ in pieces), tuple(high for _, high, _ in pieces))
        yield there, there.shift(tuple(shift for _, _, shift in pieces)).inside(box)


def _pieces(start: int, stop: int, length: int) -> list[tuple[int, int, int]]:
    """Cut an interval at the array's edges: (start and stop in the array, shift back)."""
    pieces = [
        (max(start, turn) - turn, min(stop, turn + length) - turn, turn)
        for turn in (-length, 0, length)
        if max(start, turn) < min(stop, turn + length)
    ]
    return pieces or [(start, stop, 0)]
