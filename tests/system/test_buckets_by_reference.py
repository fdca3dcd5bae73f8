"""Workers that read a bucket themselves, with credentials of their own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from coordinator.errors import TilefanError
from coordinator.events import Event, TileSent, TileStored
from coordinator.workflows.run_options import Storing
from places import buckets
from places.buckets import Bucket, spec_of
from places.errors import PlaceError
from tests.support.bucket_server import SCHEMES, BucketServer, bucket_server
from tests.support.by_reference import blur, filtered
from tests.support.dask_cluster import dask_cluster
from tests.support.equality import assert_same_bits
from tests.support.processes import running_workers
from tests.support.strategies import samples

ts = pytest.importorskip("tensorstore")
pytest.importorskip("zarr")

X = samples((60, 50), "<f4", 1, special=False)
ONE = ("--threads", "1", "--kernel", "reference")
CLOSED = "is not below a folder that this worker serves"
CODECS = ["none", "zstd", "blosc"]


@pytest.fixture(scope="module", params=SCHEMES)
def server(request: pytest.FixtureRequest) -> Iterator[BucketServer]:
    with bucket_server(request.param) as server, pytest.MonkeyPatch.context() as patches:
        for name, value in server.environment.items():
            patches.setenv(name, value)
        yield server


@pytest.fixture
def folder(server: BucketServer, request: pytest.FixtureRequest) -> str:
    return f"{server.scheme}://bucket/{abs(hash(request.node.name)):x}"


def put(array: Any, url: str, codec: str, *, shards: bool = False) -> None:
    """Write a zarr into a bucket."""
    codecs = {
        "none": [{"name": "bytes", "configuration": {"endian": "little"}}],
        "zstd": [{"name": "bytes", "configuration": {"endian": "big"}}, {"name": "zstd"}],
        "blosc": [{"name": "bytes"}, {"name": "blosc"}],
    }[codec]
    chunk = [16, 20]
    if shards:
        inner = {"chunk_shape": [8, 10], "codecs": codecs}
        codecs = [{"name": "sharding_indexed", "configuration": inner}]
    metadata = {
        "shape": list(array.shape),
        "data_type": str(array.dtype),
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": chunk}},
        "codecs": codecs,
        "fill_value": 7,
    }
    spec = {"driver": "zarr3", "kvstore": spec_of(url), "metadata": metadata}
    ts.open(spec, create=True).result().write(array).result()


def key(url: str, name: str) -> tuple[Any, str]:
    return ts.KvStore.open(spec_of(url)).result(), name


@contextmanager
def fleet(root: str) -> Iterator[list[str]]:
    with running_workers(2, *ONE, "--serve-from", root) as workers:
        yield [worker.address for worker in workers]


@pytest.fixture(scope="module")
def hosts(server: BucketServer) -> Iterator[list[str]]:
    with fleet(f"{server.scheme}://bucket") as hosts:
        yield hosts


@pytest.mark.parametrize("shards", [False, True])
@pytest.mark.parametrize("codec", CODECS)
def test_reading(
    hosts: list[str], folder: str, tmp_path: Path, codec: str, *, shards: bool
) -> None:
    """Whatever chunks are stored in, round any edge, and where one is missing."""
    put(X, f"{folder}/in.zarr", codec, shards=shards)
    keys, name = key(f"{folder}/in.zarr", "c/1/0")
    keys.write(name, None).result()
    array = X.copy()
    array[16:32, :20] = 7
    for mode in ("wrap", "reflect"):
        target = tmp_path / f"{mode}.npy"
        told = filtered(blur(mode=mode), f"{folder}/in.zarr", target, hosts, tile=(16, 7))
        terms = [(each.reads, each.writes, each.reason) for each in told.places]
        assert terms == [(True, False, f"{target.parent}/.{target.name}.partial: {CLOSED}")] * 2
        assert {sent.bytes_sent for sent in told.of(TileSent)} == {0}
        assert_same_bits(np.load(target), ndimage.gaussian_filter(array, 2.0, mode=mode))


def test_what_is_not_served(folder: str, tmp_path: Path) -> None:
    """Beside the prefix that is served, bytes are sent, and a line says so."""
    put(X, f"{folder}/in.zarr", "none")
    with fleet(f"{folder}/in") as hosts:
        told = filtered(blur(), f"{folder}/in.zarr", tmp_path / "out.npy", hosts, tile=16)
    assert {each.reads for each in told.places} == {False}
    assert "is in no bucket that this worker serves" in told.places[0].reason
    assert_same_bits(np.load(tmp_path / "out.npy"), ndimage.gaussian_filter(X, 2.0))


def test_into_a_bucket(hosts: list[str], folder: str) -> None:
    """Nothing is written there by workers: their answers come as bytes."""
    put(X, f"{folder}/in.zarr", "zstd")
    target = f"{folder}/out.zarr"
    told = filtered(
        *(blur(), f"{folder}/in.zarr", target, hosts, "require"),
        storing=Storing(chunks=(20, 25)),
    )
    assert {(each.reads, each.writes) for each in told.places} == {(True, False)}
    assert {sent.bytes_sent for sent in told.of(TileSent)} == {0}
    assert told.body_bytes == X.nbytes
    keys, _ = key(target, "")
    spec = {"driver": "zarr3", "kvstore": keys.spec().to_json()}
    assert_same_bits(ts.open(spec).result().read().result(), ndimage.gaussian_filter(X, 2.0))


def test_a_chunk_that_is_too_large(folder: str) -> None:
    """It is refused before its bytes are taken."""
    keys, name = key(folder, "x")
    keys.write(name, bytes(1000)).result()
    bucket = Bucket(folder)
    assert bucket.read([name, "none"], 1000) == [bytes(1000), None]
    with pytest.raises(PlaceError, match="x has more than 999 bytes"):
        bucket.read(["none", name], 999)


def test_metadata_that_is_too_large(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is refused before its bytes are taken."""
    keys, name = key(folder, "zarr.json")
    keys.write(name, bytes(101)).result()
    monkeypatch.setattr(buckets, "MAX_METADATA", 100)
    with pytest.raises(PlaceError, match=r"its zarr.json has more than 100 bytes"):
        Bucket(folder).state(name)


def test_another_server_of_the_same_name(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What another machine calls localhost is another bucket, whatever its metadata says."""
    keys, name = key(folder, "zarr.json")
    keys.write(name, b"{}").result()
    here = Bucket(folder).state(name)
    assert Bucket(folder).state(name) == here
    monkeypatch.setattr(buckets, "boot", lambda: "of another machine")
    if folder.startswith("s3"):  # Google's generations are of one bucket only
        assert Bucket(folder).state(name) != here


def test_an_array_that_vanishes(hosts: list[str], folder: str, tmp_path: Path) -> None:
    """Chunks of an array that is gone are not missing ones, which have fill values."""
    put(X, f"{folder}/in.zarr", "none")
    keys, _ = key(f"{folder}/in.zarr", "")

    def remove(event: Event) -> None:
        if isinstance(event, TileStored):
            keys.delete_range(ts.KvStore.KeyRange()).result()

    with pytest.raises(TilefanError):
        filtered(*(blur(), f"{folder}/in.zarr", tmp_path / "out.npy", hosts), tile=4, hear=remove)
    assert not (tmp_path / "out.npy").exists()


def test_on_a_dask_cluster(folder: str, tmp_path: Path) -> None:
    """Its workers read buckets too."""
    put(X, f"{folder}/in.zarr", "blosc")
    with dask_cluster(1) as client:
        address = str(client.scheduler.address).replace("tcp:", "dask:")
        told = filtered(
            *(blur(), f"{folder}/in.zarr", tmp_path / "out.npy", address, "require"), tile=16
        )
    assert told.body_bytes == 0
    assert_same_bits(np.load(tmp_path / "out.npy"), ndimage.gaussian_filter(X, 2.0))
