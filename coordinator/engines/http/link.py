"""The way to one worker: what blocks may travel in, and how fast bytes went there and back.

A packed block has fewer bytes, and packing takes time: it pays on a slow link only. How fast one is
shows in the tiles themselves, in bytes as they travelled. What has not been measured counts as
fast, and so does this machine, which is left out.
"""

from __future__ import annotations

from collections.abc import Sequence

from coordinator.errors import InputError
from coordinator.hosts.codec import Codec
from tiling.protocol.forms import CODECS, NARROWING, codecs

LZ4_BELOW = 400e6
"""Bytes per second of a link: packing and unpacking by LZ4 takes as long as such a link saves by
it, if it makes a block a fifth smaller."""

ZSTD_BELOW = 60e6
"""Bytes per second of all slow links together: Zstandard gains little over LZ4, and packs and
unpacks so much in a fifth of a core of this machine."""

MEMORY = 0.8
"""Weight of what was measured before, each time: the last five tiles count."""


def chosen(
    choice: Codec,
    bytes_per_s: float | None,
    slow_bytes_per_s: float = 0.0,
    *,
    lz4_below: float = LZ4_BELOW,
    zstd_below: float = ZSTD_BELOW,
) -> tuple[str, ...]:
    """Return what blocks may travel in on a link; the sender may take less.

    Parameters
    ----------
    choice : str
        The user's.
    bytes_per_s : float or None
        Of the link; None if it is not known.
    slow_bytes_per_s : float
        Of all links together that are slower than `lz4_below`.
    lz4_below, zstd_below : float
        Bytes per second below which each packer pays.

    Examples
    --------
    >>> chosen("auto", None), chosen("auto", 125e6, 125e6), chosen("auto", 12e6, 24e6)
    (('narrow',), ('narrow', 'lz4'), ('narrow', 'zstd'))
    """
    if choice == "none":
        return ()
    if choice in ("lz4", "zstd"):
        return NARROWING, choice
    if choice == "narrow" or bytes_per_s is None or bytes_per_s >= lz4_below:
        return (NARROWING,)
    return NARROWING, "zstd" if slow_bytes_per_s < zstd_below else "lz4"


def check_codec(choice: Codec) -> None:
    """Refuse a packer that this process does not have.

    Raises
    ------
    InputError
    """
    if choice in CODECS and choice not in codecs():
        raise InputError(
            f"codec {choice} needs numcodecs, which is not installed here: "
            "pip install 'tilefan[codecs]', at the workers too"
        )


class Direction:
    """One direction of the way to a worker, and its speed of late.

    Examples
    --------
    >>> direction = Direction()
    >>> direction.add(100, 0.0, 2.0)
    >>> direction.add(100, 1.0, 4.0)
    >>> direction.bytes_per_s  # 180 in 3.6 s: what is older counts less
    50.0
    """

    def __init__(self) -> None:
        self._sums = 0.0, 0.0
        self._busy_until = 0.0

    def add(self, size: int, begin: float, end: float) -> None:
        """Take a transfer into account; what overlaps with others is one time for all of them.

        Parameters
        ----------
        size : int
            Bytes.
        begin, end : float
            On one clock, in seconds.
        """
        seconds = max(0.0, end - max(begin, self._busy_until))
        self._busy_until = max(end, self._busy_until)
        sizes, times = self._sums
        self._sums = MEMORY * sizes + size, MEMORY * times + seconds

    @property
    def bytes_per_s(self) -> float | None:
        """The speed; None before the first transfer."""
        size, seconds = self._sums
        return size / seconds if seconds else None


class Link:
    """What is known of the way to a worker.

    Parameters
    ----------
    choice : str
        The user's; see `chosen`.
    links : list of Link
        All of this process; this one is added.

    Attributes
    ----------
    announced : tuple of str
        Codecs that the worker says it has.
    there, back : Direction
    """

    def __init__(self, choice: Codec, links: list[Link]) -> None:
        self._choice = choice
        self._links = links
        self.announced: tuple[str, ...] = ()
        self.there = Direction()
        self.back = Direction()
        links.append(self)

    def sends(self) -> tuple[str, ...]:
        """Return what both ends have of what pays for blocks."""
        return self._both(self.there, [link.there for link in self._links])

    def accepts(self) -> tuple[str, ...]:
        """Return what both ends have of what pays for answers."""
        return self._both(self.back, [link.back for link in self._links])

    def _both(self, direction: Direction, alike: Sequence[Direction]) -> tuple[str, ...]:
        speeds = [each.bytes_per_s for each in alike]
        slow = sum(speed for speed in speeds if speed is not None and speed < LZ4_BELOW)
        names = chosen(self._choice, direction.bytes_per_s, slow)
        both = set(self.announced).intersection(codecs())
        return tuple(name for name in names if name in both)
