"""What a file says besides samples: kept where it stays true, by its format's own library."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from coordinator.errors import InputError, StoreError
from coordinator.stores import format as format_of_files
from coordinator.stores import scratch
from coordinator.stores.files import Target, open_place
from coordinator.stores.place import Place
from tests.support.equality import assert_same_bits
from tests.support.formats import native

VOLUME = np.arange(2 * 3 * 40 * 50, dtype="f4").reshape(2, 3, 40, 50)


def copied(source: str | Path, target: Path, dtype: str | None = None) -> Path:
    """Copy an array as a filter would that changes no sample."""
    given, place = open_place(Path(source)), Place.parse(target)
    kind = np.dtype(dtype) if dtype else given.dtype
    sink = Target.of(place, given.shape, kind, given).create()
    sink.array[...] = given.array
    sink.commit()
    assert_same_bits(native(open_place(place).array), native(given.array.astype(kind)))
    return place.path


def test_tiff_keeps_resolution_words_and_tags(tmp_path: Path) -> None:
    """How large a pixel is, what the picture is of, and where on earth."""
    tifffile = pytest.importorskip("tifffile")
    picture = np.arange(30 * 20 * 3, dtype="u1").reshape(30, 20, 3)
    scale = (33550, "d", 3, (0.5, 0.25, 0.0), True)
    tifffile.imwrite(
        tmp_path / "in.tif",
        picture,
        photometric="rgb",
        resolution=((3001, 10), (72, 1)),
        resolutionunit="CENTIMETER",
        description="of Hubble",
        metadata=None,
        byteorder=">",
        extratags=[scale],
    )
    made = copied(tmp_path / "in.tif", tmp_path / "out.tif")
    with tifffile.TiffFile(made) as file:
        page = file.pages[0]
        assert (file.byteorder, page.photometric.name, page.description) == (
            ">",
            "RGB",
            "of Hubble",
        )
        assert (page.tags[282].value, page.tags[283].value) == ((3001, 10), (72, 1))
        assert page.tags[296].value == 3
        assert page.tags[33550].value == (0.5, 0.25, 0.0)
        assert_same_bits(native(file.asarray()), picture)


def test_words_that_are_not_ascii(tmp_path: Path) -> None:
    """They are kept as the bytes they are."""
    tifffile = pytest.importorskip("tifffile")
    tifffile.imwrite(tmp_path / "in.tif", VOLUME[0, 0], description="5 µm".encode(), metadata=None)
    with tifffile.TiffFile(copied(tmp_path / "in.tif", tmp_path / "out.tif")) as file:
        assert file.pages[0].description == "5 µm"


def test_imagej_keeps_its_calibration(tmp_path: Path) -> None:
    """Axes, unit, spacing and labels; not the range of display, which is another now."""
    tifffile = pytest.importorskip("tifffile")
    known = {"axes": "ZCYX", "unit": "um", "spacing": 2.5, "Labels": ["a"] * 6, "min": 0.0}
    options: Any = {"imagej": True, "metadata": known, "resolution": (4, 4)}
    tifffile.imwrite(tmp_path / "in.tif", VOLUME, **options)
    with tifffile.TiffFile(copied(tmp_path / "in.tif", tmp_path / "out.tif")) as file:
        assert file.is_imagej
        assert file.series[0].axes == "ZCYX"
        assert {**known, **file.imagej_metadata} == {"min": 0.0, **known, **file.imagej_metadata}
        assert "min" not in file.imagej_metadata
        assert file.pages[0].resolution == (4, 4)


def test_what_imagej_can_not_hold_is_plain_tiff(tmp_path: Path) -> None:
    """It has no float64; its calibration would not be read elsewhere."""
    tifffile = pytest.importorskip("tifffile")
    tifffile.imwrite(tmp_path / "in.tif", VOLUME, imagej=True, metadata={"axes": "ZCYX"})
    with tifffile.TiffFile(copied(tmp_path / "in.tif", tmp_path / "out.tif", "f8")) as file:
        assert not file.is_imagej
        assert file.series[0].shape == VOLUME.shape


def test_ome_keeps_sizes_and_channels(tmp_path: Path) -> None:
    """The XML is valid, says the output's dtype, and what was said of pixels and channels."""
    tifffile = pytest.importorskip("tifffile")
    channels = {"Name": ["DAPI", "GFP", "RFP"], "EmissionWavelength": [461.0, 509.0, 583.0]}
    known = {
        "axes": "ZCYX",
        "Name": "cells",
        "PhysicalSizeX": 0.325,
        "PhysicalSizeXUnit": "µm",
        "PhysicalSizeZ": 1.5,
        "TimeIncrement": 0.5,
        "Channel": channels,
    }
    tifffile.imwrite(tmp_path / "in.ome.tif", VOLUME, ome=True, metadata=known)
    made = copied(tmp_path / "in.ome.tif", tmp_path / "out.ome.tif", "f8")
    with tifffile.TiffFile(made) as file:
        image = tifffile.xml2dict(file.ome_metadata)["OME"]["Image"]
        assert file.series[0].axes == "ZCYX"
    pixels = image["Pixels"]
    assert (image["Name"], pixels["Type"], pixels["PhysicalSizeX"]) == ("cells", "double", 0.325)
    assert (pixels["PhysicalSizeXUnit"], pixels["PhysicalSizeZ"]) == ("µm", 1.5)
    assert [each["Name"] for each in pixels["Channel"]] == channels["Name"]
    assert [each["EmissionWavelength"] for each in pixels["Channel"]] == [461, 509, 583]


def test_an_output_called_ome_says_so(tmp_path: Path) -> None:
    """Whatever its input is; and the same run writes the same bytes again."""
    tifffile = pytest.importorskip("tifffile")
    np.save(tmp_path / "in.npy", VOLUME)
    first = copied(tmp_path / "in.npy", tmp_path / "a.ome.tif")
    second = copied(tmp_path / "in.npy", tmp_path / "b.ome.tif")
    assert first.read_bytes() == second.read_bytes()
    with tifffile.TiffFile(first) as file:
        assert file.is_ome


def test_words_that_mean_another_layout_are_dropped(tmp_path: Path) -> None:
    """A description of one program can change how all of them read the file."""
    tifffile = pytest.importorskip("tifffile")
    words = "Aperio Image Library v1\n"
    tifffile.imwrite(tmp_path / "in.tif", VOLUME[0], description=words, photometric="minisblack")
    copied(tmp_path / "in.tif", tmp_path / "out.tif")


def test_levels_and_series_are_named(tmp_path: Path) -> None:
    """A pyramid's levels, and pages of other shapes, each by its number."""
    tifffile = pytest.importorskip("tifffile")
    plane = np.arange(64 * 64, dtype="u2").reshape(64, 64)
    with tifffile.TiffWriter(tmp_path / "in.tif") as file:
        file.write(plane, subifds=1, metadata=None, resolution=(2, 2))
        file.write(plane[::2, ::2], subfiletype=1, metadata=None)
        file.write(plane[:5], metadata=None)
    path = f"{tmp_path}/in.tif"
    assert_same_bits(open_place(Path(f"{path}::level=1")).array, plane[::2, ::2])
    assert_same_bits(open_place(Path(f"{path}::series=1,level=0")).array, plane[:5])
    with tifffile.TiffFile(copied(f"{path}::level=1", tmp_path / "out.tif")) as made:
        assert 282 not in made.pages[0].tags or made.pages[0].resolution != (2, 2)
    for inside, words in (("level=2", "2 levels"), ("series=9", "2 series"), ("x", "name ::level")):
        with pytest.raises(InputError, match=words):
            open_place(Path(f"{path}::{inside}"))


def test_hdf5_keeps_name_and_attributes(tmp_path: Path) -> None:
    """Numbers, text and arrays; not references, which mean something in their file only."""
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "in.h5", "w") as file:
        made = file.create_dataset("/a/volume", data=VOLUME)
        made.attrs.update({"unit": "µm", "spacing": [1.0, 2.0], "count": np.int16(3)})
        made.attrs["to"] = made.ref
        made.dims[0].label = "z"
    out = copied(f"{tmp_path}/in.h5", tmp_path / "out.h5")
    with h5py.File(out) as file:
        attributes = dict(file["/a/volume"].attrs)
        assert file["/a/volume"].dims[0].label == "z"
        assert file["/a/volume"].chunks is None
    assert attributes.keys() == {"unit", "spacing", "count", "DIMENSION_LABELS"}
    assert (attributes["unit"], attributes["count"].dtype) == ("µm", np.int16)


def test_hdf5_drops_what_is_no_longer_true(tmp_path: Path) -> None:
    """Ranges of the samples, and a fill value of another dtype; the file's own words stay."""
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "in.h5", "w") as file:
        made = file.create_dataset("x", data=VOLUME.astype("i2"))
        made.attrs.update({"actual_range": [0, 9], "valid_max": np.int16(9), "units": "K"})
        made.attrs["_FillValue"] = np.int16(-1)
        file.attrs.update({"title": "mine", "_NCProperties": "version=2"})
    for dtype, fill in (("f4", False), ("i2", True)):
        for _ in range(2):  # what a run wrote may be replaced by another
            out = copied(tmp_path / "in.h5", tmp_path / f"{dtype}.h5", dtype)
        with h5py.File(out) as file:
            assert file["x"].attrs.keys() == {"units", *(["_FillValue"] if fill else [])}
            assert dict(file.attrs) == {"title": "mine"}


def test_tiff_drops_what_is_no_longer_true(tmp_path: Path) -> None:
    """Statistics of GDAL, least and largest samples; and keeps which side is up."""
    tifffile = pytest.importorskip("tifffile")
    items = '<Item name="STATISTICS_MEAN" sample="0">3</Item>\n  <Item name="unit">m</Item>'
    tags = [
        (42112, "s", 0, f"<GDALMetadata>\n  {items}\n</GDALMetadata>", True),
        (42113, "s", 0, "-9999", True),
        (274, "H", 1, 6, True),
        (280, "H", 1, 3, True),
        (340, "f", 1, 3.0, True),
    ]
    known: Any = {"axes": "YX", "min": 1, "Maximum": 9, "unit": "m"}
    tifffile.imwrite(tmp_path / "in.tif", VOLUME[0, 0], metadata=known, extratags=tags)
    with tifffile.TiffFile(copied(tmp_path / "in.tif", tmp_path / "out.tif")) as file:
        kept = {tag.code: tag.value for tag in file.pages[0].tags}
        shaped = file.shaped_metadata[0]
    assert kept[42112] == '<GDALMetadata>\n  <Item name="unit">m</Item>\n</GDALMetadata>'
    assert (kept[42113], kept[274], {280, 340} & kept.keys()) == ("-9999", 6, set())
    assert {"min", "Maximum"} & shaped.keys() == set()
    assert shaped["unit"] == "m"


def test_datasets_of_hdf5_are_named(tmp_path: Path) -> None:
    """Without a name only where there is one; and an output never replaces other datasets."""
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "in.h5"
    with h5py.File(path, "w", userblock_size=512) as file:
        file["a/one"], file["two"], file["words"] = VOLUME, VOLUME[0], "text"
        file["link"] = h5py.SoftLink("/a/one")
        file["away"] = h5py.ExternalLink("other.h5", "/x")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = VOLUME
    assert_same_bits(open_place(Path(f"{path}::/a/one")).array, VOLUME)
    assert_same_bits(open_place(Path(f"{path}::link")).array, VOLUME)
    for inside, words in (
        ("", "holds 2 datasets; name one: .*in.h5::/a/one; there are: /a/one, /two"),
        ("::/three", "no such dataset; there are"),
        ("::/a", "a group, not a dataset"),
        ("::/words", "not an array of plain numbers"),
        ("::/away", "a link to .*other.h5::/x"),
    ):
        with pytest.raises(InputError, match=words):
            open_place(Path(f"{path}{inside}"))
    with pytest.raises(InputError, match="other contents, which would be lost"):
        Target.of(Place.parse(f"{path}::/a/one"), VOLUME.shape, VOLUME.dtype)
    made = copied(f"{path}::two", Path(f"{tmp_path}/new.h5::/deep/er/name"))
    with h5py.File(made) as file:
        assert_same_bits(file["deep/er/name"][()], VOLUME[0])


@pytest.mark.parametrize("kind", ["Nifti1Image", "Nifti2Image"])
@pytest.mark.parametrize("order", "<>")
def test_nifti_keeps_affine_and_units(tmp_path: Path, kind: str, order: str) -> None:
    """Both versions, both byte orders, and what extends the header; samples stay unscaled."""
    nibabel = pytest.importorskip("nibabel")
    affine = np.array([[2, 0.125, 0, -10], [0, 3, 0, 5], [0, 0, 4, 7], [0, 0, 0, 1.0]])
    image = getattr(nibabel, kind)(VOLUME.astype("i2"), affine, dtype="i2")
    image.header.set_xyzt_units("mm", "sec")
    image.header["descrip"] = b"a scan"
    image.header["cal_max"] = 9
    if kind == "Nifti1Image":
        image.header["glmax"] = 9
    header = image.header.as_byteswapped(order)
    header.extensions.append(nibabel.nifti1.Nifti1Extension("comment", b"a word"))
    getattr(nibabel, kind)(np.asarray(image.dataobj), affine, header).to_filename(
        tmp_path / "in.nii"
    )
    made = nibabel.load(copied(tmp_path / "in.nii", tmp_path / "out.nii", f"{order}f8"))
    assert type(made).__name__ == kind
    assert made.header.endianness == order
    assert_same_bits(made.affine, affine)
    assert made.header.get_xyzt_units() == ("mm", "sec")
    stale = [name for name in ("cal_max", "glmax") if name in made.header]
    assert [made.header[name].item() for name in stale] == [0] * len(stale)
    assert bytes(made.header["descrip"]).rstrip(b"\0") == b"a scan"
    assert made.header.extensions[0].get_content().rstrip(b"\0") == b"a word"
    assert (made.dataobj.slope, made.dataobj.inter) == (1, 0)
    assert_same_bits(native(np.asanyarray(made.dataobj)), VOLUME.astype("f8"))


def test_nifti_that_is_to_be_scaled_is_refused(tmp_path: Path) -> None:
    """Its samples are not what is meant; the message says how to have them."""
    nibabel = pytest.importorskip("nibabel")
    image = nibabel.Nifti1Image(VOLUME, np.eye(4))
    image.header.set_data_dtype("u1")
    image.to_filename(tmp_path / "in.nii")
    with pytest.raises(InputError, match=r"to be scaled .*as float32"):
        open_place(tmp_path / "in.nii")


def test_long_axes_are_of_the_second_nifti(tmp_path: Path) -> None:
    """The first has 15 bits for a length."""
    nibabel = pytest.importorskip("nibabel")
    np.save(tmp_path / "in.npy", np.zeros((40_000, 2), "u1"))
    made = nibabel.load(copied(tmp_path / "in.npy", tmp_path / "out.nii"))
    assert (type(made).__name__, made.shape) == ("Nifti2Image", (40_000, 2))


def test_fits_keeps_cards(tmp_path: Path) -> None:
    """What was seen where; not the sums and extremes of samples that are others now."""
    fits = pytest.importorskip("astropy.io.fits")
    header = fits.Header([("OBJECT", "M31", "a galaxy"), ("CRVAL1", 10.5), ("DATAMAX", 7.0)])
    header.add_history("seen")
    table = fits.ImageHDU(VOLUME.astype("i2"), header, name="SCI")
    table.add_checksum()
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(tmp_path / "in.fits")
    for inside in ("", "::1", "::SCI"):
        made = copied(f"{tmp_path}/in.fits{inside}", tmp_path / "out.fits", "f4")
        with fits.open(made) as images:
            images.verify("exception")
            (image,) = images
            kept = image.header
            assert (kept["OBJECT"], kept.comments["OBJECT"]) == ("M31", "a galaxy")
            assert (kept["CRVAL1"], str(kept["HISTORY"])) == (10.5, "seen")
            assert not {"DATAMAX", "CHECKSUM", "XTENSION"} & set(kept)
            assert_same_bits(native(image.data), VOLUME)
    with pytest.raises(InputError, match="no such extension; there are: 0 PRIMARY, 1 SCI"):
        open_place(Path(f"{tmp_path}/in.fits::7"))


def test_fits_with_blanks_is_refused(tmp_path: Path) -> None:
    """An integer that means nothing would be smeared over its neighbours as a number."""
    fits = pytest.importorskip("astropy.io.fits")
    image = fits.PrimaryHDU(np.arange(9, dtype="i2"))
    image.header["BLANK"] = -1
    image.writeto(tmp_path / "in.fits")
    with pytest.raises(InputError, match="BLANK -1"):
        open_place(tmp_path / "in.fits")


@pytest.mark.parametrize("dtype", ["i1", "u2", "u4", "u8"])
def test_fits_of_the_other_sign(tmp_path: Path, dtype: str) -> None:
    """Stored with BZERO, each integer is read as it is meant."""
    fits = pytest.importorskip("astropy.io.fits")
    ends = np.iinfo(dtype)
    array = np.array([[ends.min, ends.max, 0], [1, ends.max - 1, ends.min + 1]], dtype)
    fits.PrimaryHDU(array).writeto(tmp_path / "in.fits")
    assert_same_bits(open_place(tmp_path / "in.fits").array, array)


def test_fits_that_is_to_be_scaled_is_refused(tmp_path: Path) -> None:
    """Its samples are not what is meant; the message says how to have them."""
    fits = pytest.importorskip("astropy.io.fits")
    image = fits.PrimaryHDU(np.arange(9, dtype="i2"))
    image.header["BSCALE"] = 0.5
    image.writeto(tmp_path / "in.fits")
    with pytest.raises(InputError, match=r"BSCALE 0\.5"):
        open_place(tmp_path / "in.fits")


def test_pictures_are_read_as_they_look(tmp_path: Path) -> None:
    """A palette's colours and not their numbers; grey of 16 bits; resolution is kept."""
    image = pytest.importorskip("PIL.Image")
    colours = np.random.default_rng(1).integers(0, 4, (9, 7, 3), "u1") * np.uint8(80)
    palette = image.fromarray(colours).quantize(64)
    palette.save(tmp_path / "palette.png")
    assert_same_bits(open_place(tmp_path / "palette.png").array, np.array(palette.convert("RGB")))
    deep = np.arange(63, dtype="u2").reshape(9, 7) * np.uint16(1000)
    image.fromarray(deep).save(tmp_path / "deep.png", dpi=(300, 300))
    with image.open(copied(tmp_path / "deep.png", tmp_path / "out.png")) as made:
        assert_same_bits(np.array(made), deep)
        assert made.info["dpi"] == pytest.approx((300, 300), abs=0.01)
    image.fromarray(colours).save(tmp_path / "in.jpg", quality=50)
    with image.open(tmp_path / "in.jpg") as decoded:
        assert_same_bits(open_place(tmp_path / "in.jpg").array, np.array(decoded))


def test_pictures_that_would_lose_bits_are_refused(tmp_path: Path) -> None:
    """Pillow reads 16 bits a colour as 8, and JPEG keeps no samples."""
    image = pytest.importorskip("PIL.Image")
    header = b"IHDR" + (5).to_bytes(4, "big") + (4).to_bytes(4, "big") + bytes([16, 2, 0, 0, 0])
    data = header + zlib.crc32(header).to_bytes(4, "big")
    (tmp_path / "in.png").write_bytes(b"\x89PNG\r\n\x1a\n" + (13).to_bytes(4, "big") + data)
    with pytest.raises(InputError, match="16 bits a colour"):
        open_place(tmp_path / "in.png")
    image.new("CMYK", (5, 4)).save(tmp_path / "in.jpg")
    with pytest.raises(InputError, match="CMYK can't be read"):
        open_place(tmp_path / "in.jpg")
    for name, shape, dtype, words in (
        ("out.jpg", (4, 5), "u1", r"JPEG files can't be written: .*; \.npy, \.tif"),
        ("out.png", (4, 5, 3), "u2", "16 bits a colour"),
        ("out.png", (4, 5, 6), "u1", "two axes, and perhaps 2 to 4"),
        ("out.png", (4, 5), "f4", "can't hold float32"),
    ):
        with pytest.raises(InputError, match=words):
            Target.of(Place(tmp_path / name), shape, np.dtype(dtype))


def test_no_room_for_what_is_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a file claims is taken from the disk first, or refused by its size."""
    tifffile = pytest.importorskip("tifffile")
    tifffile.imwrite(tmp_path / "in.tif", np.zeros((3000, 3000), "u1"), compression="zlib")

    def full(*_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(scratch.os, "posix_fallocate", full)
    monkeypatch.setattr(format_of_files, "MEMORY_BYTES", 2**20)
    with pytest.raises(StoreError, match="no room for 9000000 bytes for the samples of "):
        open_place(tmp_path / "in.tif")


def test_pages_that_do_not_lie_together(tmp_path: Path) -> None:
    """Written one after another by somebody else, or over several files."""
    tifffile = pytest.importorskip("tifffile")
    with tifffile.TiffWriter(tmp_path / "in.tif") as file:
        for page in VOLUME[0]:
            file.write(page, metadata=None)
    assert_same_bits(open_place(tmp_path / "in.tif").array, VOLUME[0])


@pytest.mark.parametrize(
    "error",
    [
        ValueError("<COMPRESSION.LZW: 5> requires the 'imagecodecs' package"),
        ModuleNotFoundError("No module named 'compression'"),
    ],
    ids=["LZW", "zstd"],
)
def test_codecs_that_are_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """The message says which, and what installs it."""
    tifffile = pytest.importorskip("tifffile")
    tifffile.imwrite(tmp_path / "in.tif", VOLUME[0, 0], compression="zlib")

    def missing(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(tifffile.TiffPage, "asarray", missing)
    with pytest.raises(InputError, match="ADOBE_DEFLATE; try: pip install imagecodecs"):
        open_place(tmp_path / "in.tif")


def test_filters_of_hdf5_that_are_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message has the filter's name and number."""
    h5py = pytest.importorskip("h5py")
    from coordinator.stores import hdf5

    with h5py.File(tmp_path / "in.h5", "w") as file:
        file.create_dataset("data", data=VOLUME, compression="lzf")
    monkeypatch.setattr(hdf5.h5py.h5z, "filter_avail", lambda _: False)
    with pytest.raises(InputError, match=r"compressed by lzf \(filter 32000\).*hdf5plugin"):
        open_place(tmp_path / "in.h5")


def test_samples_of_hdf5_in_other_files(tmp_path: Path) -> None:
    """External files are refused, since they may be anybody's; virtual datasets are gathered."""
    h5py = pytest.importorskip("h5py")
    layout = h5py.VirtualLayout((2, *VOLUME.shape), "f4")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = VOLUME
    layout[0] = layout[1] = h5py.VirtualSource(tmp_path / "a.h5", "x", VOLUME.shape)
    with h5py.File(tmp_path / "in.h5", "w") as file:
        file.create_virtual_dataset("virtual", layout)
        file.create_dataset("external", (9,), "u1", external=[(str(tmp_path / "raw"), 0, 9)])
    found = open_place(Path(f"{tmp_path}/in.h5::virtual")).array
    assert_same_bits(found, np.stack([VOLUME, VOLUME]))
    with pytest.raises(InputError, match=r"in other files .*raw"):
        open_place(Path(f"{tmp_path}/in.h5::external"))


@pytest.mark.parametrize("array", [np.float32(3), np.arange(6.0).reshape(2, 3)], ids=["0-d", "2-d"])
def test_datasets_within_their_headers(tmp_path: Path, array: Any) -> None:
    """Small ones may lie there, and those that nobody has written lie nowhere."""
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "in.h5", "w") as file:
        compact = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        compact.set_layout(h5py.h5d.COMPACT)
        space = h5py.h5s.create_simple(np.shape(array)) if np.shape(array) else None
        kind = h5py.h5t.py_create(array.dtype)
        space = space or h5py.h5s.create(h5py.h5s.SCALAR)
        h5py.Dataset(h5py.h5d.create(file.id, b"compact", kind, space, compact))[...] = array
        file.create_dataset("unwritten", np.shape(array), "f4", fillvalue=7)
        file.create_dataset("empty", (0, 3), "f4", chunks=(1, 3), maxshape=(None, 3))
    assert_same_bits(open_place(Path(f"{tmp_path}/in.h5::compact")).array, np.asarray(array))
    unwritten = open_place(Path(f"{tmp_path}/in.h5::unwritten")).array
    assert_same_bits(unwritten, np.full(np.shape(array), 7, "f4"))
    assert open_place(Path(f"{tmp_path}/in.h5::empty")).array.shape == (0, 3)


def test_attributes_of_hdf5_that_an_output_cannot_have(tmp_path: Path) -> None:
    """A large one, bytes that are no text, a type that NumPy has not: left out, and no others."""
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "in.h5", "w", libver="latest") as file:
        made = file.create_dataset("a", data=VOLUME)
        made.attrs["before"] = 1
        made.attrs["large"] = np.zeros(20000)
        made.attrs.create("bytes", b"\xff\xfe", dtype=h5py.string_dtype())
        scalar = h5py.h5s.create(h5py.h5s.SCALAR)
        h5py.h5a.create(made.id, b"time", h5py.h5t.UNIX_D32LE, scalar)
        made.attrs["later"] = "µm"
    with pytest.warns(RuntimeWarning, match="left out: time, "):
        out = copied(tmp_path / "in.h5", tmp_path / "out.h5")
    with h5py.File(out) as file:
        assert dict(file["a"].attrs) == {"before": 1, "later": "µm"}


def test_cards_of_fits_that_cannot_be_written(tmp_path: Path) -> None:
    """A damaged one is left out, and no other."""
    fits = pytest.importorskip("astropy.io.fits")
    image = fits.PrimaryHDU(VOLUME[0, 0])
    image.header["DAMAGED"], image.header["WHOLE"] = 7, 8
    image.writeto(tmp_path / "in.fits")
    data = (tmp_path / "in.fits").read_bytes()
    at = data.index(b"DAMAGED =")
    (tmp_path / "in.fits").write_bytes(data[: at + 12] + b"\x7f" + data[at + 13 :])
    with pytest.warns(RuntimeWarning, match="left out: DAMAGED"):
        kept = fits.getheader(copied(tmp_path / "in.fits", tmp_path / "out.fits"))
    assert ("DAMAGED" in kept, kept["WHOLE"]) == (False, 8)
