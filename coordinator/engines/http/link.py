"""The way to one worker: what blocks may travel in, and how fast bytes went there and back.

A packed block has fewer bytes, and packing takes time: it pays on a slow link only. How fast one is
shows in the tiles themselves, in bytes as they travelled. What has not been measured counts as
fast, and so does this machine, whose measurements are left out.
"""

from __future__ import annotations

from coordinator.errors import InputError
from coordinator.hosts.codec import Codec
from tiling.protocol.forms import CODECS, NARROWING, codecs

LZ4_BELOW = 400e6
"""Bytes per second: packing and unpacking by LZ4 takes as long as a link of this speed saves by it,
if it makes a block a fifth smaller."""

ZSTD_BELOW = 60e6
"""The same, of Zstandard's gain over LZ4."""

MEMORY = 0.8
"""Weight of what was measured before, each time: the last five tiles count."""


def chosen(
    choice: Codec,
    bytes_per_s: float | None,
    *,
    lz4_below: float = LZ4_BELOW,
    zstd_below: float = ZSTD_BELOW,
) -> tuple[str, ...]:
    """Return what blocks may travel in, on a link of this speed; the sender may take less.

    Parameters
    ----------
    choice : str
        The user's.
    bytes_per_s : float or None
        None if it is not known.
    lz4_below, zstd_below : float
        Bytes per second below which each packer pays.

    Examples
    --------
    >>> chosen("auto", None), chosen("auto", 125e6), chosen("auto", 12e6), chosen("lz4", None)
    (('narrow',), ('narrow', 'lz4'), ('narrow', 'zstd'), ('narrow', 'lz4'))
    """
    if choice == "none":
        return ()
    if choice in ("lz4", "zstd"):
        return NARROWING, choice
    if choice == "narrow" or bytes_per_s is None or bytes_per_s >= lz4_below:
        return (NARROWING,)
    return NARROWING, "zstd" if bytes_per_s < zstd_below else "lz4"


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


class Speed:
    """Bytes per second of the latest transfers; None before the first."""

    def __init__(self) -> None:
        self._sums = 0.0, 0.0

    def add(self, size: int, seconds: float) -> None:
        """Take a transfer into account."""
        sizes, times = self._sums
        self._sums = MEMORY * sizes + size, MEMORY * times + max(seconds, 0.0)

    @property
    def bytes_per_s(self) -> float | None:
        """The speed."""
        size, seconds = self._sums
        return size / seconds if seconds else None


class Link:
    """What is known of the way to a worker.

    Parameters
    ----------
    choice : str
        The user's; see `chosen`.

    Attributes
    ----------
    announced : tuple of str
        Codecs that the worker says it has.
    there, back : Speed
    """

    def __init__(self, choice: Codec) -> None:
        self._choice = choice
        self.announced: tuple[str, ...] = ()
        self.there = Speed()
        self.back = Speed()

    def codecs(self, speed: Speed) -> tuple[str, ...]:
        """Return what both ends have of what pays in this direction."""
        both = set(self.announced).intersection(codecs())
        return tuple(name for name in chosen(self._choice, speed.bytes_per_s) if name in both)
