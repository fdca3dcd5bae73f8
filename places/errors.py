"""Errors of places: each a sentence without the name of the place, which the caller knows."""

from __future__ import annotations


class PlaceError(Exception):
    """A place can't be opened, read or written as it was asked."""


class CutShortError(PlaceError):
    """A file ends before its samples do."""
