"""Names of files that are none, and what may be meant by them."""

from __future__ import annotations

import difflib
import os
import re
from itertools import islice
from pathlib import Path

from coordinator.errors import InputError, StoreError
from coordinator.stores.foreign import foreign, npy_name
from coordinator.stores.formats import SUFFIXES
from coordinator.stores.place import SCHEMES, is_other_url

MOST_NAMES = 1000
"""Of a folder, that are compared with that of a file that is missing."""

LONGEST_NAME = 255 - len("..partial")
"""Bytes of an output's name: beside it are files under longer ones while it grows."""


def check_output_name(path: Path) -> None:
    """Refuse a name that is too long, or that of a file of another format; no suffix is none.

    Raises
    ------
    InputError
        Saying what to write instead.
    StoreError
        If the name is too long.
    """
    if is_other_url(path):
        raise InputError(f"{path}: no file, and no URL that is known: {SCHEMES}")
    if (length := len(os.fsencode(path.name))) > LONGEST_NAME:
        raise StoreError(
            f"{path}: its name is too long: {length} bytes; it can have {LONGEST_NAME} at most"
        )
    if path.name.startswith("="):
        raise InputError(f"{path}: begins with =; write -o {path.with_name(path.name[1:])}")
    if re.fullmatch(r"\.[A-Za-z]\w*", path.suffix) and not path.name.lower().endswith(SUFFIXES):
        raise InputError(
            f"{path}: {path.suffix} files can't be written; write -o {npy_name(path)}, and convert "
            "that afterwards"
        )


def content(path: Path, start: bytes) -> str | None:
    """Return what is in a file that is no `.npy` file, and how to make it one, if that is known."""
    if not start:
        return "not a .npy file: it is empty"
    words = foreign(path, start)
    if words is None and start.isascii() and b"\0" not in start:
        return "not a .npy file: it is text; numpy.save writes a .npy file"
    return words


def similar(path: Path) -> str:
    """Return a question after a file that may be meant, of the first `MOST_NAMES` of its folder."""
    if is_other_url(path):
        return f"; {SCHEMES}"
    if path.is_symlink():
        return f": the link leads to {path.readlink()}, where there is none"
    try:
        names = [entry.name for entry in islice(path.parent.iterdir(), MOST_NAMES)]
    except OSError:
        return ""
    close = difflib.get_close_matches(path.name, names, 1, cutoff=0.75)
    return f"; did you mean {path.with_name(close[0])}?" if close else ""
