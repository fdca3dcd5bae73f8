"""Zarrs as others write them, or could: the bits that zarr-python reads, or a sentence."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from typer.testing import CliRunner

from coordinator.cli.main import app
from coordinator.errors import InputError
from coordinator.stores.files import open_place
from coordinator.stores.place import Place
from coordinator.workflows.filter_file import filter_chain
from coordinator.workflows.run_options import RunOptions
from tests.support.equality import assert_same_bits
from tests.support.formats import load_zarr, native
from tests.support.strategies import samples

pytest.importorskip("tensorstore")
numcodecs = pytest.importorskip("numcodecs")
zarr = pytest.importorskip("zarr")
codecs = pytest.importorskip("zarr.codecs")

Builder: TypeAlias = Callable[[Path], object]

SHAPE, CHUNKS = (9, 7), (4, 3)
CUBE = {"shape": (5, 6, 7), "chunks": (2, 3, 4)}
BIG = codecs.BytesCodec(endian="big")
PLAIN = codecs.BytesCodec()
CRC = codecs.Crc32cCodec()


def made(version: int, dtype: str = "f4", shape: Any = SHAPE, **options: Any) -> Builder:
    """Have zarr-python write samples of all kinds."""
    data = samples(shape, dtype, 1, special=True)
    return lambda path: write(path, version, data=data, **options)


def write(path: Path, version: int, **options: Any) -> None:
    with warnings.catch_warnings(), zarr.config.set({"array.write_empty_chunks": True}):
        warnings.simplefilter("ignore")  # some of it is not in the specification
        zarr.create_array(path, zarr_format=version, **{"chunks": CHUNKS, **options})


def edited(version: int, change: Any, dtype: str = "f4", **options: Any) -> Builder:
    """Change the metadata of such an array: some members, or by a function."""

    def build(path: Path) -> None:
        made(version, dtype, **options)(path)
        (document,) = (path / name for name in ("zarr.json", ".zarray") if (path / name).exists())
        said = json.loads(document.read_text())
        change(said) if callable(change) else said.update(change)
        document.write_text(json.dumps(said))

    return build


def filled(version: int, dtype: str, value: Any) -> Builder:
    """Remove a chunk of an array that has such a fill value."""

    def build(path: Path) -> None:
        edited(version, {"fill_value": value}, dtype)(path)
        (path / ("c/1/1" if version == 3 else "1.1")).unlink()

    return build


def sharded(inner: Any, index: Any, place: str = "end", **options: Any) -> Builder:
    shards = codecs.ShardingCodec(
        chunk_shape=CHUNKS, codecs=inner, index_codecs=index, index_location=place
    )
    given = {"shape": (20, 14), "chunks": (8, 6), "serializer": shards, "compressors": None}
    return made(3, **{**given, **options})


def half_empty(path: Path) -> None:
    """Write some chunks of some shards."""
    array = zarr.create_array(
        path, shape=(20, 14), chunks=CHUNKS, shards=(8, 6), dtype="f4", fill_value=3.0
    )
    array[:5, :4], array[18:, 12:] = 1, 2


def keys(name: str, separator: str) -> dict[str, Any]:
    return {"chunk_key_encoding": {"name": name, "separator": separator}}


READ: dict[str, Builder] = {
    **{f"v2 keys {s}": made(2, **keys("v2", s)) for s in "./"},
    **{f"v3 keys of v2 {s}": made(3, **keys("v2", s)) for s in "./"},
    **{f"v3 keys {s}": made(3, **keys("default", s)) for s in "./"},
    **{f"v2 {dtype}": made(2, dtype) for dtype in (">f2", ">f4", ">u2", ">i8", ">c16")},
    **{
        f"v2 {c.codec_id} {getattr(c, 'cname', '')}": made(2, compressors=[c])
        for c in (
            *(numcodecs.Zlib(1), numcodecs.GZip(1), numcodecs.BZ2(1), numcodecs.Zstd(3)),
            *(numcodecs.Blosc(name, 5, 1) for name in ("lz4", "lz4hc", "zstd", "zlib", "blosclz")),
        )
    },
    "v2 order F": made(2, **CUBE, order="F"),
    "v2 order F plain": made(2, **CUBE, order="F", compressors=None),
    "v2 more members": edited(2, {"more": 1}),
    "v2 fill null": filled(2, "f4", None),
    "v2 fill NaN of JSON": filled(2, "f8", float("nan")),
    **{
        f"v{version} fill {dtype} {value}": filled(version, dtype, value)
        for version in (2, 3)
        for dtype, value in (
            *(("f4", word) for word in ("NaN", "Infinity", "-Infinity", -0.0, 1, 1e30)),
            *(("u1", 255), ("u1", 1.0), ("u8", 2**64 - 1), ("?", True)),
            *(("c8", [0.0, 1.0]), ("c8", ["NaN", "-Infinity"])),
        )
    },
    "v3 fill of bits": filled(3, "f4", "0x7fc00001"),
    "v3 fill of bits, f8": filled(3, "f8", "0xfff8000000000001"),
    "v3 fill of bits, c8": filled(3, "c8", ["0x7fc00001", "0x80000000"]),
    "v3 transposed": made(3, **CUBE, filters=[codecs.TransposeCodec(order=(2, 0, 1))]),
    "v3 crc32c": made(3, compressors=[CRC]),
    "v3 gzip, crc32c": made(3, compressors=[codecs.GzipCodec(), CRC]),
    "v3 big-endian": made(3, serializer=BIG),
    "v3 bytes of bytes": edited(
        3, {"codecs": [{"name": "bytes", "configuration": {}}]}, "u1", compressors=None
    ),
    **{
        f"v3 shards {place} {number}": sharded(inner, index, place)
        for place in ("start", "end")
        for number, (inner, index) in enumerate(
            (
                ([PLAIN], [PLAIN]),
                ([PLAIN, codecs.ZstdCodec(), CRC], [PLAIN, CRC]),
                ([codecs.TransposeCodec(order=(1, 0)), BIG, codecs.BloscCodec()], [PLAIN, CRC]),
            )
        )
    },
    "v3 shards half empty": half_empty,
    "v3 no transformers": edited(3, {"storage_transformers": []}),
    "v3 more that may be ignored": edited(3, {"more": {"name": "x", "must_understand": False}}),
    "v3 nameless axes": edited(3, {"dimension_names": [None, "x"]}),
    **{
        f"v{version} {name}": made(version, shape=shape, chunks=chunks)
        for version in (2, 3)
        for name, shape, chunks in (
            ("of no sample", (0, 7), CHUNKS),
            ("of no axis", (), ()),
            ("in a chunk that is larger", SHAPE, (100, 100)),
        )
    },
}


@pytest.mark.parametrize("build", READ.values(), ids=READ)
def test_it_is_read_as_zarr_does(tmp_path: Path, build: Builder) -> None:
    """Its samples, and what is filtered of them, in an output that is stored like it."""
    path, target = tmp_path / "in.zarr", tmp_path / "out.zarr"
    build(path)
    want = native(load_zarr(path))
    source = open_place(path)
    assert_same_bits(native(source.array), want)
    if want.dtype == np.float16:  # which SciPy does not filter
        return
    filter_chain([("gaussian_filter", {"sigma": 1})], path, target, RunOptions(style="none"))
    assert_same_bits(native(load_zarr(target)), gaussian_filter(want, 1))
    assert open_place(target).about.words == source.about.words


def test_what_a_missing_chunk_of_halves_has(tmp_path: Path) -> None:
    """The bits that its fill value names; zarr-python makes another NaN of it."""
    filled(3, "f2", "0x7e01")(tmp_path / "in.zarr")
    assert open_place(tmp_path / "in.zarr").array[4, 3].tobytes() == b"\x01\x7e"


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("separator", ["/", "."])
@pytest.mark.parametrize("shape", [(9, 7), ()], ids=["plane", "scalar"])
def test_which_chunks_are_missing(
    tmp_path: Path, version: int, separator: str, shape: tuple[int, ...]
) -> None:
    """Other files in the folder are none, nor is a chunk of an array that was once larger."""
    path = tmp_path / "in.zarr"
    build = made(version, shape=shape, chunks=CHUNKS[: len(shape)], **keys("v2", separator))
    build(path)
    total = 9 if shape else 1
    assert open_place(path).missing() == (0, total)
    for name in ("README", "00", "00.0", "99.0", "0.0.0", "c"):
        (path / name).touch()
    assert open_place(path).missing() == (0, total)
    (path / (f"1{separator}1" if shape else "0")).unlink()
    assert open_place(path).notes() == (
        f"1 of {total} chunks of the input are missing: read as fill values",
    )


RECTILINEAR = {"name": "rectilinear", "configuration": {"chunk_shapes": [[4, 5], [3, 4]]}}
PAIR = [("a", "<f4"), ("b", "<i2")]
NOT_READ = "which is not read; have zarr copy it"
NO_NUMBERS = "not an array of plain numbers, but of "

REFUSED: dict[str, tuple[Builder, str]] = {
    "v2 delta": (made(2, "i4", filters=[numcodecs.Delta("<i4")]), "filters of numcodecs"),
    "v2 shuffle": (made(2, "i4", filters=[numcodecs.Shuffle(4)]), "filters of numcodecs"),
    "v2 scaled": (
        made(2, "f8", filters=[numcodecs.FixedScaleOffset(0, 0.1, "<f8", "<i4")]),
        "filters of numcodecs",
    ),
    "v2 lz4": (made(2, compressors=[numcodecs.LZ4()]), f"by lz4, {NOT_READ}"),
    "v2 keys": (edited(2, {"dimension_separator": "-"}), "dimension_separator"),
    "v2 order": (edited(2, {"order": "K"}), "order: Expected one of"),
    "v2 no fill value": (edited(2, lambda said: said.pop("fill_value")), "lacks fill_value"),
    **{
        f"v2 fill {value}": (filled(2, "f4", value), "is no number of zarr 2")
        for value in ("0x7fc00001", "AADAfw==", "hello")
    },
    "v2 fill c8": (filled(2, "c8", ["0x7fc00001", 0.0]), "is no number of zarr 2"),
    **{
        f"v{version} fill {dtype} {value}": (filled(version, dtype, value), "fill_value")
        for version in (2, 3)
        for dtype, value in (("u1", 300), ("u1", -1), ("u1", 1.5), ("i8", 2**63), ("f4", [1]))
    },
    "v3 fill null": (filled(3, "f4", None), "fill_value"),
    "v3 numcodecs": (
        edited(3, lambda said: said["codecs"].append({"name": "numcodecs.zlib"})),
        f"by numcodecs.zlib, {NOT_READ}",
    ),
    "v3 transposed": (
        edited(
            3,
            lambda said: said["codecs"].insert(
                0, {"name": "transpose", "configuration": {"order": [0, 0]}}
            ),
        ),
        "not a valid permutation",
    ),
    "v3 index": (sharded([PLAIN], [BIG, CRC]), "the index of its shards"),
    "v3 shards in shards": (
        sharded([codecs.ShardingCodec(chunk_shape=(2, 3))], [PLAIN], chunks=(8, 6)),
        "in other shards",
    ),
    "v3 transformers": (edited(3, {"storage_transformers": [{"name": "x"}]}), "not known here"),
    "v3 more": (edited(3, {"more": {"name": "x", "must_understand": True}}), "not known here"),
    "v3 rectilinear": (edited(3, {"chunk_grid": RECTILINEAR}), "no regular grid"),
    "v3 keys": (edited(3, {"chunk_key_encoding": {"name": "morton"}}), "chunk_key_encoding"),
    "v3 axes": (edited(3, {"dimension_names": ["x"]}), "dimension_names are not one for each"),
    **{
        f"v3 {name}": (edited(3, {"data_type": name}, "u2"), NO_NUMBERS + name)
        for name in ("bfloat16", "int4", "uint2", "float8_e4m3fn", "r16", "complex_bfloat16")
    },
    "v3 dates": (
        edited(3, {"data_type": {"name": "numpy.datetime64", "configuration": {}}}),
        NO_NUMBERS,
    ),
    **{
        f"v{version} {name}": (
            lambda path, version=version, dtype=dtype: write(
                path, version, shape=SHAPE, dtype=dtype
            ),
            NO_NUMBERS,
        )
        for version in (2, 3)
        for name, dtype in (
            ("records", PAIR),
            ("strings", str),
            ("bytes", "S5"),
            ("dates", "M8[s]"),
        )
    },
}


@pytest.mark.parametrize(("build", "words"), REFUSED.values(), ids=REFUSED)
def test_it_is_refused(tmp_path: Path, build: Builder, words: str) -> None:
    """In a sentence that says what of it is not read."""
    build(tmp_path / "in.zarr")
    with pytest.raises(InputError, match=words):
        open_place(tmp_path / "in.zarr")


def image(group: Any, version: int) -> None:
    """Make an OME image of a group."""
    axes = [{"name": name, "type": "space"} for name in "yx"]
    scale = [{"type": "scale", "scale": [1.0, 1.0]}]
    datasets = [{"path": "0", "coordinateTransformations": scale}]
    say(group, version, multiscales=[{"axes": axes, "datasets": datasets}])
    group.create_array("0", data=samples(SHAPE, "f4", 1, special=True), chunks=CHUNKS)


def say(group: Any, version: int, **said: Any) -> None:
    group.attrs.update({"ome": {"version": "0.5", **said}} if version == 3 else said)


def plate(root: Any, version: int) -> None:
    say(root, version, plate={"wells": [{"path": "A/1"}, {"path": "B/2"}]})
    for path in ("A/1", "B/2"):
        well = root.create_group(path)
        say(well, version, well={"images": [{"path": "0"}]})
        image(well.create_group("0"), version)


def labels(root: Any, version: int) -> None:
    group = root.create_group("labels")
    say(group, version, labels=["cells"])
    image(group.create_group("cells"), version)


def series(root: Any, version: int) -> None:
    say(root, version, **{"bioformats2raw.layout": 3})
    root.create_group("OME").attrs["series"] = ["0", "1"]
    for name in ("0", "1"):
        image(root.create_group(name), version)


def nested(root: Any, _: int) -> None:
    for name in ("a/b/c", "a/d", "e"):
        root.create_array(name, data=samples(SHAPE, "f4", 1, special=True), chunks=CHUNKS)
    root.create_group("empty")


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize(
    ("build", "names"),
    [
        (plate, ["A/1/0", "B/2/0"]),
        (labels, ["labels/cells"]),
        (series, ["0", "1"]),
        (nested, ["a/b/c", "a/d", "e"]),
    ],
    ids=["plate", "labels", "bioformats2raw", "groups"],
)
def test_what_is_in_a_group(
    tmp_path: Path, version: int, build: Callable[[Any, int], None], names: list[str]
) -> None:
    """All arrays and images in it are named, however deep; each is read by its name."""
    path = tmp_path / "in.zarr"
    build(zarr.create_group(path, zarr_format=version), version)
    said = ", ".join(f"::{name}" for name in names)
    with pytest.raises(InputError, match=f"a group, no array; there are {said}$"):
        open_place(path)
    for name in names:
        assert_same_bits(open_place(Place(path, name)).array, samples(SHAPE, "f4", 1, special=True))


def test_what_is_in_a_folder_that_is_no_group(tmp_path: Path) -> None:
    """Version 3 may leave out what says that it is one."""
    made(3)(tmp_path / "in.zarr" / "a")
    with pytest.raises(InputError, match=r"no zarr array: .*; there are ::a$"):
        open_place(tmp_path / "in.zarr")


@pytest.mark.parametrize("name", ["in.zarr.zip", "in.zip", "in.ozx", "in.zarr"])
def test_archives(tmp_path: Path, name: str) -> None:
    """A store in a zip file is to be unzipped, and to where is said."""
    with zarr.storage.ZipStore(tmp_path / name, mode="w") as store:
        zarr.create_array(store, data=np.zeros(SHAPE), chunks=CHUNKS)
    with pytest.raises(InputError, match=rf"a zip archive: unzip \S+{name} -d \S+\.zarr makes"):
        open_place(tmp_path / name)


def test_a_file_that_is_called_zarr(tmp_path: Path) -> None:
    """It is no folder."""
    (tmp_path / "in.zarr").write_text("hello")
    with pytest.raises(InputError, match="a file, and zarr is read from folders"):
        open_place(tmp_path / "in.zarr")


def test_paths_that_lead_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An input and an output of a folder above, as a shell completes them."""
    made(3)(tmp_path / "in.zarr")
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    links = [("gaussian_filter", {"sigma": 1})]
    filter_chain(links, Path("../in.zarr"), Path("../out.zarr"), RunOptions(style="none"))
    want = gaussian_filter(load_zarr(tmp_path / "in.zarr"), 1)
    assert_same_bits(load_zarr(tmp_path / "out.zarr"), want)


def test_a_name_that_is_no_text(tmp_path: Path) -> None:
    """Tensorstore can't open it."""
    path = tmp_path / os.fsdecode(b"\xff.zarr")
    made(3)(path)
    with pytest.raises(InputError, match="is not UTF-8; rename it"):
        open_place(path)


LINES = (
    "info in.zarr",
    "plan in.zarr --sigma 1",
    "diff in.zarr in.zarr",
    "preview in.zarr in.zarr -o out.png",
    "verify in.zarr in.zarr --sigma 1",
    "show in.zarr",
)
ASKED = {
    **{name: READ[name] for name in ("v2 >c16", "v3 of no sample", "v3 of no axis")},
    **{name: READ[name] for name in ("v3 fill f4 NaN", "v3 shards half empty", "v2 order F")},
    **{name: REFUSED[name][0] for name in ("v3 records", "v3 shards in shards", "v2 strings")},
    "plate": lambda path: plate(zarr.create_group(path), 3),
}


@pytest.mark.parametrize("build", ASKED.values(), ids=ASKED)
def test_commands_that_look_at_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, build: Builder
) -> None:
    """Each ends by itself, or with a sentence and a code; none is a fault of ours."""
    monkeypatch.chdir(tmp_path)
    build(tmp_path / "in.zarr")
    for line in LINES:
        result = CliRunner().invoke(app, line.split(), prog_name="coord")
        assert result.exit_code in (0, 2, 5, 7), result.output
        assert "Traceback" not in result.output
