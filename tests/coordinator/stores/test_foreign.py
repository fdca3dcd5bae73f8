"""Files of formats that are not read are named, with a line that converts them."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from coordinator.errors import InputError
from coordinator.stores.files import open_place
from coordinator.stores.foreign import FORMATS, Foreign, convert_line, foreign, format_of
from coordinator.stores.names import check_output_name
from tests.support.equality import assert_same_bits


@pytest.mark.parametrize("known", FORMATS, ids=lambda known: known.suffixes[0])
def test_every_format_is_known_by_its_name_and_by_its_first_bytes(known: Foreign) -> None:
    """Bytes count more than the name; the line that converts is Python, with a name of its own."""
    for suffix in known.suffixes:
        assert format_of(Path(f"a{suffix.upper()}")) is known
    for at, mark in known.marks:
        assert format_of(Path("a.npy"), bytes(at) + mark + bytes(9)) is known
    _, _, code = shlex.split(convert_line(known, Path("my $scan's.npy")))
    compile(code, "line", "exec")
    assert "my $scan's.converted.npy" in code


@pytest.mark.parametrize("suffix", ["npz", "csv"])
def test_a_line_that_needs_numpy_alone_converts(tmp_path: Path, suffix: str) -> None:
    """What it writes is the array."""
    array = np.arange(6.0).reshape(2, 3)
    np.savez(tmp_path / "in.npz", array)
    np.savetxt(tmp_path / "in.csv", array, delimiter=",")
    with pytest.raises(InputError) as refused:
        open_place(tmp_path / f"in.{suffix}")
    _, *arguments = shlex.split(str(refused.value).splitlines()[-1])
    subprocess.run([sys.executable, *arguments], check=True)
    assert_same_bits(np.load(tmp_path / "in.npy"), array)


def test_gz_is_compressed() -> None:
    """It is not told to be bytes only."""
    assert "gunzip" in str(foreign(Path("in.npy.gz"), b"\x1f\x8b\x08"))
    assert foreign(Path("in.npy"), b"what is this") is None


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("out.gif", "out.npy"),
        ("a/out.bmp", "a/out.npy"),
        ("scan.mrc.gz", "scan.npy"),
        ("out.NPZ", "out.npy"),
        ("out.html", "out.npy"),
        ("=out.png", "out.png"),
    ],
)
def test_an_output_is_named_as_what_it_is(name: str, instead: str) -> None:
    """A name of another format is refused, with the name to write."""
    with pytest.raises(InputError) as refused:
        check_output_name(Path(name))
    assert f"write -o {instead}" in str(refused.value)


@pytest.mark.parametrize("name", [f"{'a' * 243}.npy", f"{'ä' * 122}.npy", "a" * 300])
def test_names_that_are_too_long(name: str) -> None:
    """Those of the files beside an output would be longer than file systems take."""
    with pytest.raises(InputError, match=r"a name of \d+ bytes; it can have 246 at most"):
        check_output_name(Path(name))
    check_output_name(Path(name[:118] + ".npy"))


@pytest.mark.parametrize(
    "name", ["out.npy", "OUT.NPY", "out.nii.gz", "out.OME.tif", "out", "sigma2.5", ".hidden"]
)
def test_other_outputs_pass(name: str) -> None:
    """A name without a suffix, or with a number for one, is that of no other format."""
    check_output_name(Path(name))


def test_a_missing_file_suggests_one_that_is_there(tmp_path: Path) -> None:
    """One that is spelt much alike; a link that leads nowhere is called that."""
    np.save(tmp_path / "hubble.npy", np.zeros(3))
    with pytest.raises(InputError, match=r"no such file; did you mean .*hubble\.npy\?"):
        open_place(tmp_path / "huble.npy")
    (tmp_path / "link.npy").symlink_to("gone.npy")
    with pytest.raises(InputError, match=r"the link leads to gone\.npy"):
        open_place(tmp_path / "link.npy")


def test_what_would_never_end_is_not_read(tmp_path: Path) -> None:
    """Neither a device nor a pipe that nobody writes into."""
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(InputError, match="a pipe or a device"):
            open_place(path)
