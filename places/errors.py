"""Errors of places. Those of `PlaceError` do not name the place, which the caller knows."""

from __future__ import annotations


class PlaceError(Exception):
    """A place can't be opened, read or written as it was asked."""


class RefusedPlaceError(Exception):
    """An offer, or a tile in a place, is refused.

    Parameters
    ----------
    type_ : str
        `tiling.protocol.places.REFUSED` or one of those in `tiling.protocol.references`.
    detail : str
        The reason, which names the place.
    """

    def __init__(self, type_: str, detail: str) -> None:
        super().__init__(type_, detail)
        self.type, self.detail = type_, detail

    def __str__(self) -> str:
        return self.detail


class CutShortError(PlaceError):
    """A file ends before its samples do."""
