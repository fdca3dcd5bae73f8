"""Options of a chunked output: chunks, shards and codec, as the user wants them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Storing:
    """How a user wants an output to be stored; what is not said is as the input is.

    Parameters
    ----------
    chunks, shards : tuple of int
        One length per axis; () if not said.
    codec : str
        Such as ``zstd:1``, ``gzip:5``, ``blosc:lz4`` or ``none``.
    pyramid : bool
        Whether an OME image has further levels, each half of the one before.
    """

    chunks: tuple[int, ...] = ()
    shards: tuple[int, ...] = ()
    codec: str = ""
    pyramid: bool = False
