"""Files that are cut short, altered, or of another kind: a sentence, the exit code, and no more."""

from __future__ import annotations

import math
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from coordinator.errors import InputChangedError, InputError, StoreError, TilefanError
from coordinator.stores.files import Target, open_place
from coordinator.stores.format import Format
from coordinator.stores.formats import FORMATS
from coordinator.stores.place import Place
from coordinator.stores.scratch import scratch
from tests.support.equality import assert_same_bits
from tests.support.formats import DECODED, FLAT, PNG, Library, parameters
from tiling.geometry.box import Box

ARRAY = np.arange(600, dtype="f4").reshape(4, 15, 10)
PICTURE = ARRAY[0].astype("u1")
FUZZ = int(os.environ.get("TILEFAN_FUZZ", "60"))

each_library = pytest.mark.parametrize("library", parameters((*FLAT, *DECODED)))
each_flat = pytest.mark.parametrize("library", parameters(FLAT))
each_decoded = pytest.mark.parametrize("library", parameters(DECODED))
each_extra = pytest.mark.parametrize(
    "row", [pytest.param(row, id=row.name) for row in FORMATS if row.library]
)


def altered(good: bytes, dice: random.Random) -> Iterator[bytes]:
    """Yield the bytes of a file, each time other ones cut away or changed."""
    for _ in range(FUZZ):
        data = bytearray(good)
        if dice.random() < 0.3:
            del data[dice.randrange(len(data)) :]
        else:
            for _ in range(dice.choice([1, 1, 2, 8])):
                data[dice.randrange(min(len(data), 2048))] = dice.randrange(256)
        yield bytes(data)


@each_library
@pytest.mark.filterwarnings("ignore")
def test_altered_files(tmp_path: Path, library: Library) -> None:
    """Each is read as something, or refused in words; so is an output like it."""
    path, target = tmp_path / f"in{library.suffix}", tmp_path / f"out{library.suffix}"
    library.save(path, PICTURE if library is PNG else ARRAY)
    for data in altered(path.read_bytes(), random.Random(3)):
        path.write_bytes(data)
        with suppress(TilefanError):
            source = open_place(path)
            if math.prod(source.shape) < 2**20:
                source.read(Box.whole(source.shape))
            Target.of(Place(target), source.shape, source.dtype, source)
    assert not target.exists()


@each_decoded
@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_files_cut_short_that_are_decoded(tmp_path: Path, library: Library, share: float) -> None:
    """That is said, and nothing is made up; of PNG the last bytes are no samples."""
    path, array = tmp_path / f"in{library.suffix}", PICTURE if library is PNG else ARRAY
    library.save(path, array)
    os.truncate(path, int(path.stat().st_size * share))
    if library is PNG and share > 0.9:
        assert_same_bits(open_place(path).array, array)
        return
    with pytest.raises(InputError):
        open_place(path)


@each_flat
def test_files_cut_short(tmp_path: Path, library: Library) -> None:
    """Before it is opened, the message says so; after, it is an error and not a signal."""
    path = tmp_path / f"in{library.suffix}"
    library.save(path, ARRAY)
    source = open_place(path)
    size = path.stat().st_size
    os.truncate(path, size // 2)
    with pytest.raises(InputChangedError, match="was cut short"):
        source.read(Box.whole(ARRAY.shape))
    with pytest.raises(InputError):
        open_place(path)


@each_library
@pytest.mark.parametrize("start", [b"", b"hello\n" * 9, b"PK\3\4" + bytes(100)])
def test_other_files_by_this_name(tmp_path: Path, library: Library, start: bytes) -> None:
    """They are refused, and the message has their name."""
    path = tmp_path / f"in{library.suffix}"
    path.write_bytes(start)
    with pytest.raises(InputError, match=f"in{library.suffix}: "):
        open_place(path)


@each_library
def test_what_is_no_file(tmp_path: Path, library: Library) -> None:
    """A folder, and nothing."""
    with pytest.raises(InputError, match="no such file"):
        open_place(tmp_path / f"none{library.suffix}")
    folder = tmp_path / f"in{library.suffix}"
    folder.mkdir()
    with pytest.raises(InputError, match="a folder"):
        open_place(folder)


@each_extra
def test_what_is_not_installed(tmp_path: Path, row: Format) -> None:
    """Exit 2, and the command that installs it; `coord` itself needs none of them."""
    path = tmp_path / f"in{row.suffixes[0]}"
    path.write_bytes(b"".join(row.starts[:1]) + bytes(100))
    hidden = f"import sys; sys.modules[{row.library!r}] = None\n"
    run = "from coordinator.cli.main import app; app(['blur', sys.argv[1]])"
    done = subprocess.run(
        [sys.executable, "-c", hidden + run, path],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2, done.stderr
    assert done.stderr == f"coord: {path} needs: pip install 'tilefan[{row.extra}]'\n"


def test_more_than_any_file_holds(tmp_path: Path) -> None:
    """A shape that a header claims is a sentence, however large."""
    with pytest.raises(StoreError, match=f"no room for {2**65} bytes"):
        scratch((2**62,), np.dtype("f8"))
    fits = pytest.importorskip("astropy.io.fits")
    header = fits.PrimaryHDU(np.zeros((4, 4))).header
    header["NAXIS1"], header["NAXIS2"] = 2**40, 2**19
    (tmp_path / "in.fits").write_bytes(header.tostring().encode() + bytes(2880))
    with pytest.raises(InputError, match="truncated"):
        open_place(tmp_path / "in.fits")
