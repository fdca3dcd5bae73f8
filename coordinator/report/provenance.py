"""Provenance: how an output came to be, as `OUT.npy.json` beside it, for people and `coord show`.

The file is bounded, however many tiles there were: who computed which is written as runs of tiles
of one worker, at most `MAX_RUNS` of them; what lies beyond is counted in `tiles_unlisted`.

Reading believes nothing: a file of another form, or about another output, is no provenance.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coordinator.errors import InputError, StoreError
from coordinator.stores.atomic_file import read_regular
from coordinator.stores.place import Place, stand_in
from coordinator.text import inert

if TYPE_CHECKING:
    from coordinator.stores import Source

VERSION = 1
"""Of the file's form."""

MAX_RUNS = 10_000
"""Of tiles of one worker: a few hundred kilobytes."""

MAX_BYTES = 2**24
"""Of a file that is read."""

MAX_COUNT = 2**63
"""Of whatever is counted, and of seconds."""

MAX_RECIPE = 2**20
"""Characters of a job: only one with a large array as a parameter has more."""

Lengths = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class FileMark:
    """An array on the disk, as it can be recognised later.

    `digest` is of the whole file; empty if it was too large for that to be taken unasked.
    """

    path: str
    dtype: str
    file_bytes: int
    digest: str


@dataclass(frozen=True, slots=True)
class Provenance:
    """How an output came to be.

    Parameters
    ----------
    command : str
        That made it.
    filter, job : str
        In words, and as a digest of all that was asked of the workers.
    input, output : FileMark
    shape, tile : tuple of int
        Of the array, and of the piece that each tile owns.
    halo : (tuple of int, tuple of int)
        Before and after, for each axis.
    workers : mapping of str to mapping
        What each says of itself.
    makers : tuple of (str, int)
        Who computed the tiles: runs of consecutive tiles of one worker; of ``""``, an earlier run.
        Of a job in stages, those of the last one.
    tiles_unlisted : int
        Tiles beyond those.
    versions : mapping
        Of the coordinator and what it stands on.
    started : str
        In UTC.
    seconds : float
    retries, hedges : int
    warnings : tuple of str
    proofs : mapping of str to mapping
        By worker: the probes by which it proved its bits, each with its digest.
    expected_s : float or None
        What it was expected to take when it began; None where nobody could know, and of older
        files.
    verified : (int, int) or None
        How many tiles SciPy computed once more, and of how many; None: of none.
    recipe : str
        The job, as `Job.encode` writes it; empty if it is longer than `MAX_RECIPE`.
    mask : FileMark or None
        The mask that it was made with; its digest is of what the mask says, see `mask_mark`, and
        there is no path if it was in no file.
    stages : tuple of mapping of str to int
        Of a job in stages: how many tiles each worker computed, for each stage.
    """

    command: str
    filter: str
    job: str
    input: FileMark
    output: FileMark
    shape: Lengths
    tile: Lengths
    halo: tuple[Lengths, Lengths]
    workers: Mapping[str, Mapping[str, str]]
    makers: tuple[tuple[str, int], ...]
    tiles_unlisted: int
    versions: Mapping[str, str]
    started: str
    seconds: float
    retries: int = 0
    hedges: int = 0
    warnings: tuple[str, ...] = field(default=())
    proofs: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    recipe: str = ""
    expected_s: float | None = None
    verified: tuple[int, int] | None = None
    mask: FileMark | None = None
    stages: tuple[Mapping[str, int], ...] = ()

    def encode(self) -> str:
        """Return it as indented JSON; the runs of tiles stay on one line each."""
        values: dict[str, Any] = {"version": VERSION, "kind": "tilefan provenance", **asdict(self)}
        values["makers"] = values.pop("makers")  # the longest last
        lines = (f"  {json.dumps(key)}: {_indented(key, value)}" for key, value in values.items())
        return "{\n" + ",\n".join(lines) + "\n}"

    @classmethod
    def decode(cls, text: str) -> Provenance:
        """Read what `encode` wrote.

        Raises
        ------
        ValueError
            If it is something else.
        """
        values = json.loads(text)
        if not isinstance(values, dict) or values.get("kind") != "tilefan provenance":
            raise ValueError("not a provenance of tilefan")
        if values.pop("version", None) != VERSION:
            raise ValueError("written by another version of tilefan")
        values.pop("kind")
        from pydantic import TypeAdapter, ValidationError

        try:
            provenance = TypeAdapter(cls).validate_json(json.dumps(values), strict=True)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            raise ValueError(inert(f"{place}: {first['msg']}")) from None
        if not _fits(provenance):
            raise ValueError("its parts do not fit together")
        return provenance


def provenance_path(output: Path | Place) -> Path:
    """Return where the provenance of an output is.

    >>> provenance_path(Path("out.npy")).name
    'out.npy.json'
    """
    place = Place.parse(output)
    path = stand_in(place) if place.remote else place.path
    return path.with_name(f"{path.name}.json")


def load_provenance(output: Path) -> Provenance:
    """Read the provenance of an output.

    Raises
    ------
    InputError
        If there is none.
    StoreError
        If the system does not let it be read.
    """
    path = provenance_path(output)
    try:
        return Provenance.decode(read_regular(path, MAX_BYTES).decode("utf-8"))
    except FileNotFoundError:
        hint = "coord writes it beside every output, but for --no-provenance"
        raise InputError(_unknown(output, f"there is no {path}; {hint}")) from None
    except OSError as error:
        raise StoreError(f"{path}: can't be read: {error.strerror}") from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        what = "not what coord writes there: restore it, or make the output again"
        raise InputError(f"{path}: {what} ({error})") from None


def _unknown(output: Path, why: str) -> str:
    """Return why there is no provenance of what was named."""
    made = output.with_suffix("")
    if not output.exists():
        return f"{output}: no such file"
    if output.suffix == ".json" and made.exists():
        return f"{output}: how {made} was made; name that file: {made}"
    return f"{output}: nothing is known of it: {why}"


def find_provenance(output: Path) -> Provenance | None:
    """Return the provenance of an output; None if there is none.

    Raises
    ------
    InputError, StoreError
        As `load_provenance` does, if there is one that can't be read.
    """
    return load_provenance(output) if os.path.lexists(provenance_path(output)) else None


def runs_of(makers: Mapping[int, str], tiles: int) -> tuple[tuple[tuple[str, int], ...], int]:
    """Write who computed each tile as runs; also return how many tiles are beyond `MAX_RUNS`.

    >>> runs_of({0: "a", 1: "a", 3: "b"}, 4)
    ((('a', 2), ('', 1), ('b', 1)), 0)
    """
    runs: list[tuple[str, int]] = []
    for tile in range(tiles):
        maker = makers.get(tile, "")
        if runs and runs[-1][0] == maker:
            runs[-1] = maker, runs[-1][1] + 1
        elif len(runs) == MAX_RUNS:
            return tuple(runs), tiles - tile
        else:
            runs.append((maker, 1))
    return tuple(runs), 0


def _indented(key: str, value: Any) -> str:
    """Encode a field as it stands in the file: indented, but for each run of tiles."""
    if key == "makers" and value:
        return "[\n    " + ",\n    ".join(map(json.dumps, value)) + "\n  ]"
    return json.dumps(value, indent=2).replace("\n", "\n  ")


def _fits(provenance: Provenance) -> bool:
    """Tell whether the parts of a provenance that was read fit together."""
    lengths = (provenance.shape, provenance.tile, *provenance.halo)
    files = (provenance.input, provenance.output, provenance.mask)
    counts = (
        *(provenance.retries, provenance.hedges, provenance.tiles_unlisted),
        *(provenance.verified or ()),
        *(each.file_bytes for each in files if each),
        *(count for _, count in provenance.makers),
        *(count for stage in provenance.stages for count in stage.values()),
        *(length for each in lengths for length in each),
    )
    return (
        all(0 <= count < MAX_COUNT for count in counts)
        and 0 <= provenance.seconds < MAX_COUNT
        and 0 <= (provenance.expected_s or 0) < MAX_COUNT
        and all(provenance.tile)
        and len({len(each) for each in lengths}) == 1
    )


def mark(array: Place | Path, digest_bytes: float = math.inf) -> FileMark:
    """Return the mark of an array's file; all of it is read.

    Parameters
    ----------
    array : Place or Path
    digest_bytes : float
        A larger file gets no digest, and is not read.

    Raises
    ------
    TilefanError
        If it can't be read, or is no array.
    """
    import xxhash

    from coordinator.stores.files import find_layout

    place = Place.parse(array)
    dtype, path = find_layout(place)[1].dtype, place.path
    try:
        if place.remote or path.is_dir():
            return _mark_folder(place, dtype.str, digest_bytes)
        with path.open("rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            if size > digest_bytes:
                return FileMark(str(place), dtype.str, size, "")
            digest = hashlib.file_digest(file, xxhash.xxh3_128).hexdigest()
        return FileMark(str(place), dtype.str, size, f"xxh3-128:{digest}")
    except OSError as error:
        raise StoreError(f"{path}: can't be read: {error.strerror}") from error


def mask_mark(mask: Source, digest_bytes: float = math.inf) -> FileMark:
    """Return the mark of a mask: its digest is of which samples may change, however it is stored.

    Parameters
    ----------
    mask : Source
    digest_bytes : float
        A larger mask gets no digest.
    """
    import numpy as np
    import xxhash

    from tiling.geometry.box import Box
    from tiling.operations.arithmetic import zero_of

    size, digest = math.prod(mask.shape) * mask.dtype.itemsize, ""
    if size <= digest_bytes:
        free = np.not_equal(mask.read(Box.whole(mask.shape)), zero_of(mask.dtype))
        bits = np.packbits(np.ascontiguousarray(free).reshape(-1))
        digest = f"mask-xxh3-128:{xxhash.xxh3_128_hexdigest(bits.data)}"
    return FileMark(mask.name, mask.dtype.str, size, digest)


def _mark_folder(place: Place, dtype: str, digest_bytes: float) -> FileMark:
    """Return the mark of an array in chunks, of all files in its folder."""
    from coordinator.stores.file_state import FileState
    from coordinator.stores.folder import digest_of

    size = FileState.of(place).file_bytes
    if place.remote or size > digest_bytes:
        return FileMark(str(place), dtype, size, "")
    return FileMark(str(place), dtype, size, f"files-xxh3-128:{digest_of(place.path)}")
