"""The table of formats, places of arrays, and outlines of files."""

from __future__ import annotations

import gzip
import io
import json
import os
import random
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from coordinator.errors import InputError
from coordinator.stores.files import open_place
from coordinator.stores.formats import FORMATS, check_writable, default_output, format_named
from coordinator.stores.outline import PAGE, Outline, OutlineFile
from coordinator.stores.place import Place
from coordinator.workflows.inspect_files import describe
from tests.coordinator.cli.test_cli import coord
from tests.support.equality import assert_same_bits


def test_a_place_is_a_file_and_what_is_meant_inside(tmp_path: Path) -> None:
    """The text reads back; a file of that very name is meant itself."""
    for text in ("in.npy", "data.h5::/a/b", "x.tif::level=0"):
        assert str(Place.parse(text)) == text
        assert Place.parse(Path(text)) == Place.parse(text)
    odd = tmp_path / "in::x.npy"
    np.save(odd, np.arange(3))
    assert Place.parse(odd) == Place(odd)
    assert_same_bits(open_place(odd).array, np.arange(3))


def test_rows_have_suffixes_of_their_own() -> None:
    """No two formats share one, and each row says what it needs."""
    suffixes = [suffix for row in FORMATS for suffix in row.suffixes]
    assert len(suffixes) == len(set(suffixes))
    assert all(bool(row.library) == bool(row.extra) for row in FORMATS)
    assert all(row.note for row in FORMATS if not row.writes)


@pytest.mark.parametrize("name", ["in", "in.dat", "a.npy.b"])
def test_other_suffixes_mean_numpy(name: str) -> None:
    """As they always did."""
    assert format_named(Path(name)).name == "NumPy"


def test_a_file_is_what_it_begins_like(tmp_path: Path) -> None:
    """Whatever it is called."""
    np.save(tmp_path / "in.npy", np.arange(3))
    (tmp_path / "in.npy").rename(tmp_path / "in.dat")
    assert_same_bits(open_place(tmp_path / "in.dat").array, np.arange(3))


@pytest.mark.parametrize(
    ("source", "target"),
    [("a/in.npy", "a/in.w.npy"), ("in", "in.w.npy"), ("in.dat", "in.w.npy")],
)
def test_outputs_have_the_format_of_their_inputs(source: str, target: str) -> None:
    """Beside the input, if that format can be written."""
    assert str(default_output(Place.parse(source), "w")) == target


def test_the_output_of_a_level_is_zarr(tmp_path: Path) -> None:
    """Its folder has no suffix that would say so."""
    (tmp_path / "0").mkdir()
    (tmp_path / "0/zarr.json").write_text("{}")
    assert default_output(Place(tmp_path / "0"), "w") == Place(tmp_path / "0.w.zarr")


@pytest.mark.parametrize("url", ["ftp://host/in.npy", "file:///in.npy", "S3://b/in.zarr", "s3://"])
def test_urls_that_are_none_of_a_place(tmp_path: Path, url: str) -> None:
    """They are no names of files, neither of an input nor of an output."""
    np.save(tmp_path / "in.npy", np.arange(3.0))
    for command in (["info", url], ["filter", "sobel", "in.npy", "-o", url]):
        done = coord(tmp_path, *command)
        words = " ".join(done.stderr.split())
        assert (done.returncode, "URLs are s3:// and gs://" in words) == (2, True), words
    assert [path.name for path in tmp_path.iterdir()] == ["in.npy"]


def test_an_outline_file_is_a_file(tmp_path: Path) -> None:
    """Whatever is written, read, sought and cut in it, it has the bytes of a real one."""
    dice = random.Random(1)
    mine = OutlineFile()
    with (tmp_path / "real").open("w+b", buffering=0) as real:
        for _ in range(2000):
            at, size = dice.randrange(4 * PAGE), dice.randrange(2 * PAGE)
            data = dice.randbytes(size)
            verb, what = dice.choice([("write", data), ("seek", at), ("read", size)])
            assert getattr(mine, verb)(what) == getattr(real, verb)(what)
            assert mine.seek(0, dice.choice([os.SEEK_CUR, os.SEEK_END])) >= 0
            real.seek(mine.tell())
            if dice.random() < 0.02:
                assert mine.truncate(at) == real.truncate(at)
            assert mine.tell() == real.tell()
        mine.seek(0)
        real.seek(0)
        assert mine.read() == real.read()


def test_an_outline_is_all_but_the_samples(tmp_path: Path) -> None:
    """It holds what was written around them, however many they are; and knows its own file."""
    file = OutlineFile()
    shape, dtype = (2**20, 2**20), np.dtype("u1")
    file.write(b"head")
    file.seek(10 + 2**40)
    file.write(b"tail")
    outline = file.outline(shape, dtype, 10)
    assert (outline.length, sum(len(part) for _, part in outline.parts)) == (2**40 + 14, 14)
    small = Outline.of_header(b"head", (3,), dtype, block=16)
    with (tmp_path / "f").open("w+b") as real:
        assert not small.is_in(real.fileno())
        small.write(real.fileno())
        assert small.is_in(real.fileno())
        assert real.read() == b"head" + bytes(12)
        os.pwrite(real.fileno(), b"x", 5)
        assert small.is_in(real.fileno())
        os.pwrite(real.fileno(), b"x", 3)
        assert not small.is_in(real.fileno())
    assert isinstance(file, io.RawIOBase)


def test_info_tells_what_is_there(tmp_path: Path) -> None:
    """In two lines, or as JSON; no sample is read, and a mistake is a sentence."""
    np.save(tmp_path / "in.npy", np.zeros((30, 20), ">f4"))
    said = coord(tmp_path, "info", "in.npy")
    assert said.stdout == (
        "in.npy: NumPy, 30x20 float32 (big-endian), <0.01 MB\n"
        "stored: as it is; <0.01 MB on the disk\n"
    )
    facts = json.loads(coord(tmp_path, "info", "in.npy", "--json").stdout)
    assert (facts["shape"], facts["dtype"], facts["bytes"]) == ([30, 20], ">f4", 2400)
    missing = coord(tmp_path, "info", "none.npy")
    assert (missing.returncode, "no such file" in missing.stderr) == (2, True)


def test_help_names_every_format() -> None:
    """By the suffix of its files, as far as outputs can have it."""
    from coordinator.cli.options import ARRAY

    assert [row.name for row in FORMATS if row.writes and row.suffixes[0][:4] not in ARRAY] == []


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("scan.tif::level=1", "scan.level=1.w.tif"),
        ("scan.ome.tif::series=2,level=1", "scan.series=2,level=1.w.ome.tif"),
        ("ext.fits::1", "ext.1.w.fits"),
        ("ext.fits::A/B C", "ext.A-B-C.w.fits"),
        ("two.h5::/a", "two.w.h5::/a"),
        ("in.zarr::a/0", "in.a-0.w.zarr"),
    ],
)
def test_what_is_meant_inside_is_in_the_name_of_an_output(source: str, target: str) -> None:
    """Two arrays of one file go to two; a format whose outputs name theirs keeps the name."""
    assert str(default_output(Place.parse(source), "w")) == target


@pytest.mark.parametrize("name", ["q.npy", "q.nii", "q.nii.gz", "q.fits", "q.png", "q.tif"])
def test_an_inside_that_no_output_has_is_refused(name: str) -> None:
    """Before the first tile, and whatever the format."""
    with pytest.raises(InputError, match="leave out ::foo"):
        check_writable(Place(Path(name), "foo"))


@pytest.mark.parametrize(
    "name", ["in.nii", "in.fits", "in.h5", "in.tiff.gz", "in.npy.gz", "in.npy"]
)
def test_a_file_that_gzip_compressed(tmp_path: Path, name: str) -> None:
    """It is called that, with the line that makes a file to read of it: the line does."""
    (tmp_path / name).write_bytes(gzip.compress(b"what was there"))
    with pytest.raises(InputError, match="compressed by gzip") as refused:
        open_place(tmp_path / name)
    line = re.search(r"(mv|gunzip) .*?(?= makes| names)", str(refused.value))
    assert line
    subprocess.run(line[0], shell=True, check=True)
    made = {path.name for path in tmp_path.iterdir()} - {name}
    assert len(made) == 1
    with pytest.raises(InputError) as other:
        open_place(tmp_path / made.pop())
    assert "compressed by gzip" not in str(other.value)


def test_info_lists_all_arrays_of_a_file(tmp_path: Path) -> None:
    """Each with the name that opens it; of HDF5 none is meant, of TIFF and FITS the first."""
    h5py = pytest.importorskip("h5py")
    tifffile = pytest.importorskip("tifffile")
    fits = pytest.importorskip("astropy.io.fits")
    plane = np.arange(64 * 64, dtype="u2").reshape(64, 64)
    with h5py.File(tmp_path / "in.h5", "w") as file:
        file["a"] = plane
        file.create_dataset("g/b", data=plane[:5], chunks=(5, 8), compression="gzip")
        file["words"] = "text"
    with tifffile.TiffWriter(tmp_path / "in.tif") as tiff:
        tiff.write(plane, subifds=1, metadata=None)
        tiff.write(plane[::2, ::2], subfiletype=1, metadata=None)
        tiff.write(plane[:5], metadata=None, compression="zlib")
    images = [fits.PrimaryHDU(), fits.ImageHDU(plane[:5].astype("f4"), name="SCI")]
    fits.HDUList([*images, fits.ImageHDU(plane.astype("i2"))]).writeto(tmp_path / "in.fits")
    for name, count in (("in.h5", 2), ("in.tif", 3), ("in.fits", 2)):
        facts = describe(tmp_path / name)
        assert ("shape" in facts) == (name != "in.h5")
        assert len(facts["arrays"]) == count
        for each in facts["arrays"]:
            source = open_place(Path(each["array"]))
            assert (list(source.shape), source.dtype.str) == (each["shape"], each["dtype"])
            assert "arrays" not in describe(Path(each["array"]))
    said = coord(tmp_path, "info", "in.h5").stdout
    assert "in.h5: HDF5, 2 arrays, " in said
    assert "  in.h5::/g/b: 5x64 uint16, chunks of 5x8, deflate\n" in said
    assert (
        "  in.fits::1: 5x64 float32 (big-endian), ImageHDU SCI\n"
        in coord(tmp_path, "info", "in.fits").stdout
    )
