"""zarr that makes no sense, is damaged or hostile: a sentence, and bounded memory."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from coordinator.errors import InputError, StoreError
from coordinator.stores.files import open_place
from coordinator.stores.place import Place
from coordinator.workflows.filter_file import filter_chain
from tests.support.formats import ZARR, ZARR_2
from tiling.geometry.box import Box

pytest.importorskip("tensorstore")
zarr = pytest.importorskip("zarr")

X = np.arange(64.0).reshape(8, 8)


def opened(path: Path) -> Any:
    return open_place(path).read(Box.whole((8, 8)))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    ZARR.save(tmp_path / "in.zarr", X)
    return tmp_path / "in.zarr"


def regular(*lengths: int) -> dict[str, Any]:
    return {"name": "regular", "configuration": {"chunk_shape": [*lengths]}}


BYTES = {"name": "bytes", "configuration": {"endian": "little"}}
BLOSC = {"name": "blosc"}
ZSTD = {"name": "zstd", "configuration": {"level": 1}}


def shards(*inner: int, codecs: Any = (BYTES,), index_codecs: Any = (BYTES,)) -> dict[str, Any]:
    configuration = {"chunk_shape": inner, "codecs": codecs, "index_codecs": index_codecs}
    return {"name": "sharding_indexed", "configuration": configuration}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"shape": [2**60, 2**60]}, "an array of"),
        ({"shape": [10**400, 1]}, r"an array of \(1000"),
        ({"shape": [-1, 8]}, "an array of"),
        ({"shape": "8,8"}, "an array of"),
        ({"shape": [8]}, "its chunks have 2 axes, and the array 1"),
        ({"chunk_grid": regular(0, 4)}, "chunks of"),
        ({"chunk_grid": regular(2**20, 2**20)}, "take more than 2147483648 bytes"),
        ({"chunk_grid": {"name": "rectilinear"}}, "no regular grid"),
        ({"chunk_grid": 5}, "no regular grid"),
        ({"codecs": [{"name": "bytes"}, {"name": "lz77"}]}, "stored by lz77, which is not read"),
        ({"codecs": 7}, "can't be read as zarr"),
        ({"codecs": []}, "makes no sense: 0 codecs"),
        ({"codecs": [shards(4, 4, codecs=[])]}, "makes no sense: 0 codecs"),
        ({"codecs": ["bytes"]}, "codecs are not a list of objects"),
        ({"codecs": [BYTES, BLOSC, ZSTD]}, "compressed by bytes and blosc and zstd: not read"),
        ({"codecs": [BYTES, *[ZSTD] * 100_000]}, "100001 codecs"),
        ({"codecs": [shards(4, 4, codecs=[shards(2, 2)])]}, "in other shards or codecs"),
        ({"codecs": [shards(4, 4), ZSTD]}, "in other shards or codecs"),
        ({"codecs": [shards(4, 4, index_codecs=[BYTES, ZSTD])]}, "index of its shards"),
        ({"chunk_grid": regular(2**20, 2**20), "codecs": [shards(1, 1)]}, "more than 16777216"),
        ({"shape": [1] * 33, "chunk_grid": regular(*[1] * 33)}, "33 axes; 32 are the most"),
        ({"data_type": "float128"}, "not an array of plain numbers"),
        ({"data_type": {"name": "struct"}}, "not an array of plain numbers"),
        ({"fill_value": "hello"}, "fill_value"),
        ({"more": {"a": 1}}, "'more', which is not known"),
        ({"zarr_format": 4}, "not that of zarr 3"),
        ({"node_type": "tree"}, "not that of zarr 3"),
        ({"node_type": "group"}, "a group, no array"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_metadata_of_version_3(path: Path, change: dict[str, Any], words: str) -> None:
    """It says what of it makes no sense."""
    document = json.loads((path / "zarr.json").read_text())
    (path / "zarr.json").write_text(json.dumps({**document, **change}))
    with pytest.raises(InputError, match=words):
        opened(path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"filters": [{"id": "delta", "dtype": "<f8"}]}, "filters of numcodecs"),
        ({"compressor": {"id": "lzma"}}, "stored by lzma, which is not read; have zarr copy it"),
        ({"dtype": [["a", "<f4"]]}, "not an array of plain numbers"),
        ({"dtype": "|O"}, "not an array of plain numbers"),
        ({"dtype": "<f16"}, "not an array of plain numbers"),
        ({"chunks": [2**61, 2**61]}, "take more than 2147483648 bytes"),
        ({"chunks": [4]}, "its chunks have 1 axes"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_metadata_of_version_2(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    """It says what of it makes no sense."""
    path = tmp_path / "in.zarr"
    ZARR_2.save(path, X)
    document = json.loads((path / ".zarray").read_text())
    (path / ".zarray").write_text(json.dumps({**document, **change}))
    with pytest.raises(InputError, match=words):
        opened(path)


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_text("[" * 100_000),
        lambda path: path.write_text("[]"),
        lambda path: path.write_text("null"),
        lambda path: path.write_bytes(b"\xff"),
        lambda path: path.write_bytes(b'"' + b"x" * 2**24 + b'"'),
        Path.unlink,
        pipe,
    ],
    ids=["deep", "list", "null", "no text", "long", "missing", "a pipe"],
)
def test_documents_that_are_none(path: Path, spoil: Callable[[Path], None]) -> None:
    """Nothing but a sentence comes of them, without Python's words."""
    spoil(path / "zarr.json")
    with pytest.raises(InputError, match=r"^(?!.*object has no)"):
        opened(path)


def test_metadata_that_grows(path: Path, tmp_path: Path) -> None:
    """What would be too long to be read again is refused before anything is computed."""
    document = json.loads((path / "zarr.json").read_text())
    document["attributes"] = {"lines": [1] * 2**21}
    (path / "zarr.json").write_text(json.dumps(document))
    with pytest.raises(InputError, match=r"the output's zarr.json: has more than"):
        filter_chain([("sobel", {})], path, tmp_path / "out.zarr")
    assert [each.name for each in tmp_path.iterdir()] == ["in.zarr"]


def test_a_chunk_that_the_system_does_not_show(path: Path) -> None:
    """It is named, in a sentence of its own."""
    chunk = path / "c/0/0"
    chunk.unlink()
    chunk.symlink_to(chunk.name)
    with pytest.raises(StoreError, match=r"can't be read: .*c/0/0: Too many levels"):
        opened(path)


def bomb(path: Path) -> None:
    from numcodecs import Zstd

    path.write_bytes(Zstd(1).encode(bytes(2**26)))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: os.truncate(path, 9),
        lambda path: os.truncate(path, 0),
        lambda path: path.write_bytes(b"not zstd at all"),
        bomb,
    ],
    ids=["cut short", "empty", "another", "bomb"],
)
def test_chunks_that_are_damaged(path: Path, spoil: Callable[[Path], None]) -> None:
    """It says which."""
    spoil(path / "c" / "1" / "1")
    with pytest.raises(InputError, match=r"c/1/1"):
        opened(path)


def test_which_array_of_a_group(tmp_path: Path) -> None:
    """One that has to be named is; names lead nowhere else."""
    group = zarr.create_group(tmp_path / "in.zarr")
    for name in ("one", "two"):
        group.create_array(name, data=X, chunks=(4, 4))
    ZARR.save(tmp_path / "other.zarr", X)
    assert opened(Place.parse(f"{tmp_path}/in.zarr::two")).shape == (8, 8)  # type: ignore[arg-type]
    for inside, words in (
        ("", "a group, no array; there are ::one, ::two"),
        ("nix", "nothing of that name; there are ::one, ::two"),
        ("../other.zarr", "names no array"),
    ):
        with pytest.raises(InputError, match=words):
            open_place(Place(tmp_path / "in.zarr", inside))


def test_a_name_that_is_not_there(tmp_path: Path) -> None:
    """As of any file."""
    with pytest.raises(InputError, match="no such file"):
        open_place(tmp_path / "nix.zarr")
