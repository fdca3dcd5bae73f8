"""What decoding takes: bounded, told before it is taken, and no more than a file's header says."""

from __future__ import annotations

import bz2
import io
import lzma
import shutil
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from coordinator.errors import InputError, StoreError
from coordinator.machine import resident_bytes
from coordinator.stores import decoding, scratch
from coordinator.stores.files import open_place
from coordinator.stores.place import Place
from tests.support.equality import assert_same_bits
from tests.support.formats import native

SMALL = (64, 64)
BOMB_BYTES = 2**25
PLANES = np.random.default_rng(3).integers(0, 9, (2, 3, 50, 40), "u2")


def bomb_of_tiff(path: Path, compression: str, stored: bytes) -> None:
    tifffile = pytest.importorskip("tifffile")
    tifffile.imwrite(path, iter([stored]), shape=SMALL, dtype="u1", compression=compression)


def bomb_of_hdf5(path: Path, stored: bytes, **options: Any) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        made = file.create_dataset("x", SMALL, "u1", chunks=SMALL, compression="gzip", **options)
        made.id.write_direct_chunk((0, 0), stored)


DEFLATED = zlib.compress(bytes(BOMB_BYTES), 9)
BOMBS: dict[str, Callable[[Path], None]] = {
    "deflate.tif": lambda path: bomb_of_tiff(path, "zlib", DEFLATED),
    "lzma.tif": lambda path: bomb_of_tiff(path, "lzma", lzma.compress(bytes(BOMB_BYTES))),
    "long.tif": lambda path: bomb_of_tiff(path, "zlib", DEFLATED + bytes(2**17)),
    "deflate.h5": lambda path: bomb_of_hdf5(path, DEFLATED),
    "shuffle.h5": lambda path: bomb_of_hdf5(path, DEFLATED, shuffle=True),
    "sum.h5": lambda path: bomb_of_hdf5(path, DEFLATED + bytes(4), fletcher32=True),
    "long.h5": lambda path: bomb_of_hdf5(path, DEFLATED + bytes(2**17)),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_unit_that_holds_more_than_it_should(tmp_path: Path, name: str) -> None:
    """It is not unpacked whole: what is packed in it is counted, or too long to be that."""
    BOMBS[name](tmp_path / name)
    with pytest.raises(InputError, match=r"damaged: a (strip|chunk) should have 4096 bytes, not "):
        open_place(tmp_path / name)


LERC = bytes.fromhex(
    "4c6572633220040000000e793f61320000004600000001000000ac0d000008000000460000000100000000000000"
).ljust(70, b"\0")
JPEG_XL_BOXES = "0000000c4a584c200d0a870a00000014667479706a786c20000000006a786c20000000096a786c6c0a"


def picture(kind: str, size: tuple[int, int], **options: Any) -> bytes:
    image, file = pytest.importorskip("PIL.Image"), io.BytesIO()
    image.new("RGB", size).save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize(
    ("compression", "data"),
    [
        (7, lambda: picture("JPEG", (50, 70))),
        (7, lambda: picture("JPEG", (50, 70), progressive=True)),
        (34933, lambda: picture("PNG", (50, 70))),
        (34712, lambda: picture("JPEG2000", (50, 70))),
    ],
    ids=["JPEG", "progressive", "PNG", "JPEG 2000"],
)
def test_pictures_within_tiff(compression: int, data: Callable[[], bytes]) -> None:
    """Their own headers say how large they are; what is cut short says nothing."""
    pytest.importorskip("PIL.Image")
    from coordinator.stores.tiff_pictures import picture_bytes

    made = data()
    assert picture_bytes(made, compression) == 50 * 70 * 3
    assert all(picture_bytes(made[:end], compression) in (0, 50 * 70 * 3) for end in range(200))


@pytest.mark.parametrize(
    "options",
    [{"lossless": True}, {}, {"exif": b"Exif\0\0"}],
    ids=["lossless", "lossy", "extended"],
)
def test_webp_within_tiff(options: dict[str, Any]) -> None:
    """It is taken to have four colours."""
    from coordinator.stores.tiff_pictures import picture_bytes

    made = picture("WEBP", (50, 70), **options)
    assert picture_bytes(made, 50001) == 50 * 70 * 4
    assert {picture_bytes(made[:end], 50001) for end in range(16)} == {0}


def test_lerc_within_tiff() -> None:
    """All bands are counted; of its first version nothing is known."""
    from coordinator.stores.tiff_pictures import picture_bytes

    assert picture_bytes(LERC * 3, 34887) == 50 * 70 * 3
    assert {picture_bytes(LERC[:end], 34887) for end in range(6, 30)} == {0}
    assert picture_bytes(b"CntZImage " + LERC, 34887) == sys.maxsize


@pytest.mark.parametrize(
    ("start", "size"),
    [
        ("ff0a88018a0c0014880600f800b1", 50 * 70 * 3),
        ("ff0a88018a80a0b8110804010018", 50 * 70),
        (f"{JPEG_XL_BOXES}0000001e6a786c63ff0a88018ae007285a0408", 50 * 70 * 2),
        (f"{JPEG_XL_BOXES}0000001e6a786c70{'0' * 8}ff0a88018ae007285a0408", 50 * 70 * 2),
        ("ff0a514150dc08080401", 72 * 128),
        ("ff0a88018a089a004050dc120804", sys.maxsize),
        ("ff0a8801", sys.maxsize),
        (JPEG_XL_BOXES, sys.maxsize),
        (f"{JPEG_XL_BOXES}000000016a786c63{'f' * 16}", sys.maxsize),
        ("00", sys.maxsize),
        ("", 0),
    ],
    ids=["usual", "grey", "boxes", "parts", "8", "moving", "cut", "empty", "far", "other", "none"],
)
def test_jpeg_xl_within_tiff(start: str, size: int) -> None:
    """Where it does not say how much it takes, or may be many pictures, it is refused."""
    from coordinator.stores.tiff_pictures import picture_bytes

    assert picture_bytes(bytes.fromhex(start), 50002) == size


def test_a_picture_within_tiff_that_is_larger_than_its_strip(tmp_path: Path) -> None:
    """It is refused before any codec sees it."""
    tifffile = pytest.importorskip("tifffile")
    data = picture("JPEG", (64, 64))
    at = data.index(b"\xff\xc0") + 5
    data = data[:at] + b"\xff\xff\xff\xff" + data[at + 4 :]
    options = {"shape": (64, 64, 3), "dtype": "u1", "photometric": "rgb", "compression": "zlib"}
    tifffile.imwrite(tmp_path / "in.tif", iter([data]), **options)
    with tifffile.TiffFile(tmp_path / "in.tif", mode="r+") as file:
        file.pages[0].tags[259].overwrite(7)
    with pytest.raises(InputError, match=f"not {0xFFFF**2 * 3} as the picture in it says"):
        open_place(tmp_path / "in.tif")


def test_a_chunk_that_is_gathered_by_another_file(tmp_path: Path) -> None:
    """A virtual dataset is as bad as its source."""
    h5py = pytest.importorskip("h5py")
    bomb_of_hdf5(tmp_path / "bomb.h5", DEFLATED)
    layout = h5py.VirtualLayout(SMALL, "u1")
    layout[:] = h5py.VirtualSource("bomb.h5", "x", SMALL)
    with h5py.File(tmp_path / "in.h5", "w") as file:
        file.create_virtual_dataset("v", layout)
    with pytest.raises(InputError, match="damaged: a chunk"):
        open_place(tmp_path / "in.h5")


@pytest.mark.parametrize("again", ["set_deflate", "set_shuffle"])
def test_what_is_packed_after_deflate(tmp_path: Path, again: str) -> None:
    """Nobody knows what it holds before it is unpacked."""
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "in.h5", "w") as file:
        made = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        made.set_chunk(SMALL)
        made.set_deflate(9)
        getattr(made, again)(*[9] * (again == "set_deflate"))
        space = h5py.h5s.create_simple(SMALL)
        h5py.h5d.create(file.id, b"x", h5py.h5t.NATIVE_UINT8, space, made)
    with pytest.raises(InputError, match="packed again after deflate"):
        open_place(tmp_path / "in.h5")


def check_one_chunk(path: Path, stored: bytes, code: int, *values: int) -> None:
    """Check a dataset of one chunk, packed by a filter that need not be installed."""
    h5py = pytest.importorskip("h5py")
    from coordinator.stores.hdf5_chunks import check_chunks

    with h5py.File(path, "w") as file:
        made = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        made.set_chunk(SMALL)
        made.set_filter(code, h5py.h5z.FLAG_OPTIONAL, values)
        space = h5py.h5s.create_simple(SMALL)
        opened = h5py.h5d.create(file.id, b"x", h5py.h5t.NATIVE_UINT8, space, made)
        opened.write_direct_chunk((0, 0), stored)
        check_chunks(file["x"], Place(path))


LITTLE, BIG = BOMB_BYTES.to_bytes(4, "little"), BOMB_BYTES.to_bytes(8, "big")
ZFP_HEADER = (3 - 1) | (2 - 1) << 2 | (2**12 - 1) << 4 | (2**11 - 1) << 28


@pytest.mark.parametrize(
    ("claim", "code", "values"),
    [
        (LITTLE, 4, ()),
        (b"\2\1\x21\1" + LITTLE, 32001, ()),
        (BIG, 32004, ()),
        (BIG, 32008, (0, 4, 1, 0, 2)),
        (b"", 32013, (0, 0, ZFP_HEADER & 2**32 - 1, ZFP_HEADER >> 32)),
        (b"\x28\xb5\x2f\xfd\xa0" + LITTLE, 32015, ()),
        (b"\x9e\xa8b2frame".ljust(30, b"\0") + BIG, 32026, ()),
    ],
    ids=["szip", "blosc", "lz4", "bitshuffle", "zfp", "zstd", "blosc2"],
)
def test_what_packed_chunks_say_of_themselves(
    tmp_path: Path, claim: bytes, code: int, values: tuple[int, ...]
) -> None:
    """Plug-ins take as much memory as that."""
    with pytest.raises(InputError, match=f"not {BOMB_BYTES} packed in it"):
        check_one_chunk(tmp_path / "in.h5", claim.ljust(64, b"\0"), code, *values)


def test_chunks_that_have_to_be_unpacked_to_be_counted(tmp_path: Path) -> None:
    """Those of bzip2 do not say what they hold."""
    check_one_chunk(tmp_path / "good.h5", bz2.compress(bytes(4096)), 307)
    with pytest.raises(InputError, match=r"not more than .* packed in it"):
        check_one_chunk(tmp_path / "bad.h5", bz2.compress(bytes(BOMB_BYTES)), 307)


def test_bits_that_are_shuffled_and_not_packed(tmp_path: Path) -> None:
    """They say nothing of themselves."""
    check_one_chunk(tmp_path / "in.h5", b"\xff" * 4096, 32008, 0, 4, 1, 0, 0)


def test_a_filter_of_which_nothing_is_known(tmp_path: Path) -> None:
    """It is refused, even where it is installed."""
    h5py = pytest.importorskip("h5py")
    from coordinator.stores.hdf5_chunks import check_filters

    with h5py.File(tmp_path / "in.h5", "w") as file:
        made = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        made.set_chunk(SMALL)
        made.set_filter(32024, h5py.h5z.FLAG_OPTIONAL)
        space = h5py.h5s.create_simple(SMALL)
        h5py.h5d.create(file.id, b"x", h5py.h5t.NATIVE_UINT8, space, made)
        with pytest.raises(
            InputError, match=r"\(filter 32024\), whose chunks do not tell how much"
        ):
            check_filters(file["x"], Place(tmp_path / "in.h5"))


def test_chunks_that_skip_a_filter(tmp_path: Path) -> None:
    """One that is not packed says nothing of itself; a sum alone packs nothing."""
    h5py = pytest.importorskip("h5py")
    array = np.full(SMALL, 255, "u1")
    with h5py.File(tmp_path / "in.h5", "w") as file:
        made = file.create_dataset("x", SMALL, "u1", chunks=SMALL, compression="gzip", shuffle=True)
        made.id.write_direct_chunk((0, 0), array.tobytes(), filter_mask=3)
        file.create_dataset("sum", data=array, chunks=SMALL, fletcher32=True)
    for name in ("x", "sum"):
        assert_same_bits(open_place(Place(tmp_path / "in.h5", name)).array, array)


def large(path: Path) -> None:
    """Write an array whose unit takes more than a few megabytes to decode."""
    array = np.zeros((3000, 2000), "u1")
    if path.suffix == ".tif":
        tifffile = pytest.importorskip("tifffile")
        tifffile.imwrite(path, array, compression="zlib", rowsperstrip=3000)
    elif path.suffix == ".h5":
        h5py = pytest.importorskip("h5py")
        with h5py.File(path, "w") as file:
            file.create_dataset("x", data=array, chunks=array.shape, compression="gzip")
    else:
        pytest.importorskip("PIL.Image").fromarray(array).save(path)


@pytest.mark.parametrize("name", ["in.tif", "in.h5", "in.png", "in.jpg"])
def test_a_unit_beyond_the_bound_of_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """That of `--max-memory`, or half of what is free; the message says how much it takes."""
    large(tmp_path / name)
    with pytest.raises(InputError, match=r"MB to decode: .* do not suffice; say --max-memory \d"):
        open_place(tmp_path / name, resident_bytes() + 2**20)
    open_place(tmp_path / name, resident_bytes() + 2**28)
    monkeypatch.setattr(decoding, "available_bytes", lambda: 2**21)
    with pytest.raises(InputError, match="half of what is free"):
        open_place(tmp_path / name)


def test_a_bound_of_memory_counts_what_is_decoded(tmp_path: Path) -> None:
    """It is in a file sooner."""
    large(tmp_path / "in.png")
    array = open_place(tmp_path / "in.png", resident_bytes() + 2**25).array
    while isinstance(array.base, np.ndarray):
        array = array.base
    assert not array.flags.owndata


def test_a_claim_beyond_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sparse array is refused before its room is taken; others need some of the disk too."""
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "in.h5", "w") as file:
        file.create_dataset("x", (2**16, 2**16), "u1", chunks=(1024, 1024), compression="gzip")

    def never(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=2**32))
    monkeypatch.setattr(scratch.os, "posix_fallocate", never)
    with pytest.raises(StoreError, match=f"no room for {2**32} bytes .*set TMPDIR"):
        open_place(tmp_path / "in.h5")


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("rows", [7, 50])
def test_strips_in_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, order: Any, planar: str, rows: int
) -> None:
    """Long strips of deflate are unpacked piece by piece, to the samples that tifffile reads."""
    tifffile = pytest.importorskip("tifffile")
    from coordinator.stores import tiff_segments

    shape = (2, 3, 50, 40) if planar == "separate" else (2, 50, 40, 3)
    pages = PLANES.reshape(shape)
    options: Any = {"photometric": "rgb", "planarconfig": planar, "rowsperstrip": rows}
    tifffile.imwrite(tmp_path / "in.tif", pages, compression="zlib", byteorder=order, **options)
    monkeypatch.setattr(tiff_segments, "LONG_BYTES", 1)
    monkeypatch.setattr(decoding, "PIECE_BYTES", 100)
    monkeypatch.setattr(tiff_segments, "PIECE_BYTES", 64)
    monkeypatch.setattr(tifffile.TiffPage, "asarray", None)
    monkeypatch.setattr(tifffile.TiffFrame, "asarray", None)
    assert_same_bits(native(open_place(tmp_path / "in.tif").array), pages)


def test_a_long_strip_that_is_cut_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is made up for what is missing."""
    from coordinator.stores import tiff_segments

    bomb_of_tiff(tmp_path / "in.tif", "zlib", zlib.compress(bytes(4000)))
    monkeypatch.setattr(tiff_segments, "LONG_BYTES", 1)
    with pytest.raises(InputError, match="96 bytes of a strip are missing"):
        open_place(tmp_path / "in.tif")


def test_what_extends_a_header_is_bounded(tmp_path: Path) -> None:
    """Samples of NIfTI that begin gigabytes later are not looked for."""
    nibabel = pytest.importorskip("nibabel")
    header = nibabel.Nifti1Header()
    header.set_data_shape((4, 4))
    header["vox_offset"] = 2**31
    (tmp_path / "in.nii").write_bytes(header.binaryblock + bytes(64))
    with pytest.raises(InputError, match=f"samples begin at byte {2**31}"):
        open_place(tmp_path / "in.nii")
