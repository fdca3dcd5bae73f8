"""The journal of a run as lines of text: what it is about, then one line per finished tile.

    <checksum> {"version": 1, "job": ..., "tile": [64, 64], ...}
    <checksum> <number of the tile> <digest of the question> <digest of the answer>
    ...

Each line is checked by itself, so a torn, edited or lost one costs its own tile and no other. The
checksum is xxh3-64 over the rest of its line; those of tiles begin with the header's, so that a
line of another run's journal is no line of this one. Of two lines for a tile the later one counts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from dataclasses import fields as dataclass_fields
from typing import Any

import xxhash

VERSION = 1
"""Of the journal's form; another one is not read."""


MAX_SIZE = 2**63 - 1
"""Of bytes, samples and nanoseconds."""

_TILE = re.compile("([0-9]{1,18}) ([0-9a-f]{1,64}) ([0-9a-f]{1,64})")


class JournalError(Exception):
    """A journal can't be read: there is nothing in it that could be kept."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a run is about: whatever of it changes, makes another run.

    Parameters
    ----------
    job : str
        Digest of the job.
    parameters : tuple of (str, str)
        What the user said, in words: it tells people what changed; `job` tells whether.
    input_bytes, input_mtime_ns : int
        Of the input's file, wherever it lies now.
    input_dtype, output_dtype : str
        With their byte orders.
    shape : tuple of int
        Of input and output.
    tile : tuple of int
        Shape of the piece that each tile owns.
    halo : tuple of (int, int)
        Before and after, for each axis.
    stored : str
        How the output is stored, where there are several ways.
    """

    job: str
    parameters: tuple[tuple[str, str], ...]
    input_bytes: int
    input_mtime_ns: int
    input_dtype: str
    output_dtype: str
    shape: tuple[int, ...]
    tile: tuple[int, ...]
    halo: tuple[tuple[int, int], ...]
    stored: str = ""


@dataclass(frozen=True, slots=True)
class Finished:
    """A tile whose bytes are in the output: what was asked and what was answered, by digest."""

    tile: int
    asked: str
    answered: str


@dataclass(frozen=True, slots=True)
class Log:
    """A journal that was read; `seal` is the checksum of its header, `torn` counts lost lines."""

    header: Header
    seal: str
    finished: Mapping[int, Finished]
    torn: int = 0


def encode_header(header: Header) -> tuple[bytes, str]:
    """Return the first line, and its checksum."""
    text = json.dumps({"version": VERSION, **asdict(header)}, separators=(",", ":"))
    seal = _checksum("", text)
    return f"{seal} {text}\n".encode("ascii"), seal


def encode(finished: Finished, seal: str) -> bytes:
    """Return the line of a finished tile in the journal whose header has this checksum.

    >>> encode(Finished(7, "0" * 32, "f" * 32), "0123456789abcdef")[16:21]
    b' 7 00'
    """
    text = f"{finished.tile} {finished.asked} {finished.answered}"
    return f"{_checksum(seal, text)} {text}\n".encode("ascii")


def parse(data: bytes) -> Log:
    """Read a journal, believing only lines that are whole.

    Raises
    ------
    JournalError
        If its header is not whole, or of another version.
    """
    first, *rest = data.split(b"\n")
    header, seal = _header(first)
    lines = [line for line in rest if line]
    known = [each for line in lines if (each := _finished(line, seal)) is not None]
    return Log(header, seal, {each.tile: each for each in known}, len(lines) - len(known))


def _header(line: bytes) -> tuple[Header, str]:
    checked = _checked(line, "")
    if checked is None:
        raise JournalError("its first line is torn")
    seal, text = checked
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        raise JournalError("its first line is not JSON") from None
    if not isinstance(fields, dict) or fields.pop("version", None) != VERSION:
        raise JournalError("another version of tilefan wrote it")
    return _validated(fields), seal


def _validated(fields: dict[str, Any]) -> Header:
    """Return a header whose parts are of the right types and fit together: anybody can forge one.

    Raises
    ------
    JournalError
        Naming what does not fit.
    """
    from pydantic import TypeAdapter, ValidationError

    if unknown := fields.keys() - {field.name for field in dataclass_fields(Header)}:
        raise JournalError(f"its header has {len(unknown)} unknown fields")
    try:
        header = TypeAdapter(Header).validate_json(json.dumps(fields), strict=True)
    except (ValidationError, RecursionError, ValueError) as error:
        raise JournalError("its header has fields of wrong types") from error
    sizes = (header.input_bytes, *header.shape, *(n for each in header.halo for n in each))
    whole = all(0 <= size <= MAX_SIZE for size in sizes) and all(
        1 <= size <= MAX_SIZE for size in header.tile
    )
    one_rank = len(header.shape) == len(header.tile) == len(header.halo)
    if not whole or not one_rank or abs(header.input_mtime_ns) > MAX_SIZE:
        raise JournalError("its header has sizes that do not fit together")
    return header


def _finished(line: bytes, seal: str) -> Finished | None:
    checked = _checked(line, seal)
    if checked is None:
        return None
    matched = _TILE.fullmatch(checked[1])
    return Finished(int(matched[1]), matched[2], matched[3]) if matched else None


def _checked(line: bytes, seal: str) -> tuple[str, str] | None:
    """Return checksum and text of a line; None if these were not written together."""
    checksum, _, text = line.decode("ascii", "replace").partition(" ")
    return (checksum, text) if checksum == _checksum(seal, text) else None


def _checksum(seal: str, text: str) -> str:
    return xxhash.xxh3_64_hexdigest(f"{seal}{text}".encode())
