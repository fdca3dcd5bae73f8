"""Every kind of picture: the samples that Pillow and tifffile read, or a sentence."""

from __future__ import annotations

import shlex
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from coordinator.errors import InputError
from coordinator.stores import decoding, pictures
from coordinator.stores.files import Target, open_place
from coordinator.stores.place import Place
from tests.coordinator.stores.test_metadata import copied
from tests.support.equality import assert_same_bits
from tests.support.formats import native

image = pytest.importorskip("PIL.Image")
tifffile = pytest.importorskip("tifffile")

COLOURS = np.random.default_rng(1).integers(0, 256, (11, 13, 3), "u1")
GREY = COLOURS[..., 0]
PASSES = (
    (0, 0, 8, 8),
    (0, 4, 8, 8),
    (4, 0, 8, 4),
    (0, 2, 4, 4),
    (2, 0, 4, 2),
    (0, 1, 2, 2),
    (1, 0, 2, 1),
)
"""First row and column, and steps, of each pass of Adam7."""


def png(path: Path, array: Any, bits: int, *, interlaced: bool = False) -> None:
    """Write a grey PNG of samples of so few bits."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    parts = [array[a::c, b::d] for a, b, c, d in PASSES] if interlaced else [array]
    rows = b"".join(
        b"\0" + np.packbits(np.unpackbits(row[:, None], axis=1)[:, 8 - bits :]).tobytes()
        for part in parts
        for row in part
        if row.size
    )
    header = struct.pack(">IIBBBBB", array.shape[1], array.shape[0], bits, 0, 0, 0, interlaced)
    data = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*each) for each in data))


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
@pytest.mark.parametrize("interlaced", [False, True])
def test_few_bits(tmp_path: Path, bits: int, interlaced: bool) -> None:
    """Grey of 1, 2 and 4 bits too, from black to white; in one pass or in seven."""
    png(tmp_path / "in.png", GREY >> (8 - bits), bits, interlaced=interlaced)
    want = (GREY >> (8 - bits)) * np.uint8(255 // (2**bits - 1))
    source = open_place(tmp_path / "in.png")
    assert_same_bits(source.array, want != 0 if bits == 1 else want)
    with image.open(tmp_path / "in.png") as picture:
        assert_same_bits(source.array.astype("u1"), np.array(picture).astype("u1"))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "RGB", "RGBA", "I;16", "P"])
def test_modes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    """As Pillow has them, decoded a few rows at a time."""
    monkeypatch.setattr(pictures, "ROWS_BYTES", 200)
    if mode == "I;16":
        picture = image.fromarray(GREY.astype("u2") * np.uint16(257))
    else:
        picture = image.fromarray(COLOURS).convert(mode)
    picture.save(tmp_path / "in.png")
    with image.open(tmp_path / "in.png") as found:
        want = np.array(found.convert("RGB") if mode == "P" else found)
    if mode == "1":  # Pillow's True is 255
        want = want.view("u1") != 0
    assert_same_bits(open_place(tmp_path / "in.png").array, want)


def test_which_side_is_up(tmp_path: Path) -> None:
    """A photograph's samples are read as they are stored; a PNG output says what EXIF said."""
    exif = image.Exif()
    exif[0x112], exif[0x131] = 6, "a camera"
    image.fromarray(COLOURS).save(tmp_path / "in.jpg", exif=exif)
    source = open_place(tmp_path / "in.jpg")
    (note,) = source.notes()
    assert "orientation 6" in note
    with image.open(tmp_path / "in.jpg") as picture:
        assert_same_bits(source.array, np.array(picture))
    with image.open(copied(tmp_path / "in.jpg", tmp_path / "out.png")) as made:
        assert dict(made.getexif()) == {0x112: 6}
    assert "orientation 6" in open_place(tmp_path / "out.png").notes()[0]
    image.fromarray(COLOURS).save(tmp_path / "plain.jpg")
    assert open_place(tmp_path / "plain.jpg").notes() == ()


def test_several_pictures_in_one(tmp_path: Path) -> None:
    """The first is read, and that is said."""
    frames = [image.fromarray(GREY + np.uint8(number)) for number in range(3)]
    frames[0].save(tmp_path / "in.png", save_all=True, append_images=frames[1:])
    source = open_place(tmp_path / "in.png")
    assert_same_bits(source.array, GREY)
    assert source.notes()[0].endswith("the first of its 3 pictures is read")


def test_a_transparent_colour(tmp_path: Path) -> None:
    """It is read as any other, since no filter would keep it; that is said."""
    image.fromarray(COLOURS).save(tmp_path / "in.png", transparency=(1, 2, 3))
    source = open_place(tmp_path / "in.png")
    assert_same_bits(source.array, COLOURS)
    assert "transparent colour" in source.notes()[0]


def test_numbers_of_colours_in_tiff(tmp_path: Path) -> None:
    """They are refused with a line that makes colours; what ImageJ shows in colours is samples."""
    image.fromarray(COLOURS).quantize(64).save(tmp_path / "in.tif")
    with pytest.raises(InputError, match="numbers of colours; convert it") as refused:
        open_place(tmp_path / "in.tif")
    _, *arguments = shlex.split(str(refused.value).splitlines()[-1])
    subprocess.run([sys.executable, *arguments], check=True)
    with image.open(tmp_path / "in.tif") as picture:
        assert_same_bits(open_place(tmp_path / "in.npy").array, np.array(picture.convert("RGB")))
    table = np.zeros((3, 256), "u2")
    tifffile.imwrite(tmp_path / "ij.tif", GREY, imagej=True, colormap=table, photometric="palette")
    assert_same_bits(open_place(tmp_path / "ij.tif").array, GREY)


@pytest.mark.parametrize(
    "options",
    [
        {"photometric": "rgb", "planarconfig": "separate"},
        {"photometric": "rgb", "planarconfig": "separate", "compression": "zlib"},
        {"photometric": "miniswhite"},
        {"photometric": "miniswhite", "compression": "lzma", "rowsperstrip": 2},
        {"photometric": "minisblack", "tile": (16, 16), "compression": "zlib"},
    ],
    ids=str,
)
def test_kinds_of_tiff(tmp_path: Path, options: Any) -> None:
    """As tifffile reads them; what a sample means is kept."""
    array = COLOURS.transpose(2, 0, 1) if "planarconfig" in options else GREY
    tifffile.imwrite(tmp_path / "in.tif", array, metadata=None, **options)
    assert_same_bits(
        native(open_place(tmp_path / "in.tif").array), tifffile.imread(tmp_path / "in.tif")
    )
    with tifffile.TiffFile(copied(tmp_path / "in.tif", tmp_path / "out.tif")) as made:
        assert made.pages[0].photometric.name.lower() == options["photometric"]


def test_a_picture_that_is_too_large_to_encode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is refused before anything is computed."""
    monkeypatch.setattr(decoding, "available_bytes", lambda: 2**21)
    with pytest.raises(InputError, match=r"the picture takes 4\.0 MB to encode"):
        Target.of(Place(tmp_path / "out.png"), (1000, 1000, 3), np.dtype("u1"))
