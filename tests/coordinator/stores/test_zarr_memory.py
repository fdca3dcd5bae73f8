"""Memory that chunks take: what they claim is looked at before, and few are in hand at a time."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.errors import InputError
from coordinator.run.memory_limit import bound_reading, check_chunks
from coordinator.stores.chunk_guard import ChunkGuard
from coordinator.stores.files import open_place
from coordinator.stores.pieces import Pieces, whole_chunks, window_bytes
from coordinator.workflows.filter_file import filter_chain
from coordinator.workflows.run_options import Placement, RunOptions
from tests.support.equality import assert_same_bits
from tiling.geometry.box import Box

pytest.importorskip("tensorstore")
zarr = pytest.importorskip("zarr")
numcodecs = pytest.importorskip("numcodecs")

X = np.arange(64.0).reshape(8, 8)
CLAIM = 2**31 - 17


def save(path: Path, **options: Any) -> Path:
    zarr.create_array(path, data=X, **{"chunks": (4, 4), **options})
    return path


def opened(path: Path) -> Any:
    return open_place(path).read(Box.whole(X.shape))


@pytest.mark.parametrize(
    ("options", "key", "at"),
    [
        ({"zarr_format": 2, "compressors": numcodecs.Blosc()}, "1.1", 0),
        ({"compressors": zarr.codecs.BloscCodec()}, "c/1/1", 0),
        ({"chunks": (2, 2), "shards": (4, 4)}, "c/1/1", 0),
        (
            {"chunks": (2, 2), "shards": {"shape": (4, 4), "index_location": "start"}},
            "c/1/1",
            4 * 16 + 4,
        ),
    ],
    ids=["version 2", "version 3", "index at the end", "index at the start"],
)
def test_headers_of_blosc(tmp_path: Path, options: dict[str, Any], key: str, at: int) -> None:
    """One that claims gigabytes is found before they are taken, in a shard too."""
    path = save(tmp_path / "in.zarr", **{"compressors": zarr.codecs.BloscCodec(), **options})
    assert_same_bits(opened(path), X)
    data = bytearray((path / key).read_bytes())
    data[at + 4 : at + 8] = CLAIM.to_bytes(4, "little")
    (path / key).write_bytes(data)
    with pytest.raises(InputError, match=rf"{key}: claims {CLAIM} bytes; a chunk of it has"):
        opened(path)


def test_a_chunk_that_a_shard_says_is_large(tmp_path: Path) -> None:
    """The index of a shard may be anybody's too."""
    path = save(tmp_path / "in.zarr", chunks=(2, 2), shards=(4, 4))
    shard = path / "c" / "0" / "1"
    data = bytearray(shard.read_bytes())
    at = len(data) - 4 - 4 * 16
    data[at + 8 : at + 16] = (2**40).to_bytes(8, "little")
    shard.write_bytes(data)
    with pytest.raises(InputError, match=f"c/0/1: claims {2**40} bytes; a chunk of it has 32"):
        opened(path)


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda path: os.truncate(path, 2**40), f"claims {2**40} bytes"),
        (pipe, "is no file"),
        (folder, "is no file"),
    ],
    ids=["long", "a pipe", "a folder"],
)
@pytest.mark.parametrize("codec", [None, "auto"])
def test_keys_that_are_no_chunks(
    tmp_path: Path, codec: Any, spoil: Callable[[Path], None], words: str
) -> None:
    """They are not read at all."""
    path = save(tmp_path / "in.zarr", compressors=codec)
    spoil(path / "c" / "1" / "0")
    with pytest.raises(InputError, match=words):
        opened(path)


def test_chunks_beyond_the_bound_of_memory(tmp_path: Path) -> None:
    """An input with such chunks is refused before the first is read; others are not."""
    path = tmp_path / "in.zarr"
    zarr.create_array(path, shape=(100, 100), chunks=(10_000, 10_000), dtype="f4")
    run = [("gaussian_filter", {"sigma": 1.0})], path, tmp_path / "out.npy"
    with pytest.raises(InputError, match=r"chunks of .* are large, and take 800.0 MB"):
        filter_chain(*run, RunOptions(Placement(max_memory_bytes=700_000_000)))
    assert not (tmp_path / "out.npy").exists()
    check_chunks(open_place(path), None)
    small = open_place(save(tmp_path / "small.zarr"))
    assert bound_reading(small, 700_000_000) <= 700_000_000 // 4
    assert bound_reading(small, None) > 0


AXIS = st.tuples(st.integers(1, 40), st.integers(1, 9), st.integers(0, 40), st.integers(0, 40))


@given(st.lists(AXIS, max_size=3))
def test_pieces_make_up_a_box(axes: list[tuple[int, int, int, int]]) -> None:
    """Each sample is in one of them, and each lies in whole chunks that no other reads."""
    shape = tuple(length for length, _, _, _ in axes)
    chunk = tuple(size for _, size, _, _ in axes)
    start = tuple(min(a, b, n) for n, _, a, b in axes)
    box = Box(start, tuple(min(max(a, b), n) for n, _, a, b in axes))
    seen = np.zeros(shape, int)
    pieces = Pieces(chunk, shape, np.dtype("u1"))

    def begin(there: Box, here: Box) -> Any:
        assert here == there.inside(box)
        seen[there.slices] += 1
        return Done()

    pieces.each(box, begin)
    assert seen.sum() == box.size
    assert (seen[box.slices] == 1).all()


class Done:
    def add_done_callback(self, call: Callable[[Any], None]) -> None:
        call(self)

    def result(self) -> None:
        pass


def test_few_are_in_flight() -> None:
    """As many as the bound allows; and one of a size that is beyond it."""
    unit = whole_chunks((64, 256, 256), (256, 1024, 1024), np.dtype("f4"), 2**23)
    assert unit == (64, 256, 256)
    pieces = Pieces((64, 256, 256), (256, 1024, 1024), np.dtype("f4"))
    assert pieces.window_bytes == window_bytes(unit, (256, 1024, 1024), np.dtype("f4")) >= 2**25
    assert pieces.bound(2**25) == 2**25
    assert pieces.bound(1) == 2**24
    waiting: list[Waiting] = []
    began = threading.Event()

    class Waiting(Done):
        def add_done_callback(self, call: Callable[[Any], None]) -> None:
            self.finish = lambda: call(self)
            waiting.append(self)
            began.set()

    whole = Box((0, 0, 0), (64, 256, 1024))
    reader = threading.Thread(target=pieces.each, args=(whole, lambda *_: Waiting()))
    reader.start()
    for number in range(1, 5):
        assert began.wait(60)
        began.clear()
        assert len(waiting) == number
        waiting[-1].finish()
    reader.join(60)
    assert not reader.is_alive()


def test_small_chunks_take_more_than_their_samples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of chunks of one sample so few are looked at and read at a time that they fit in memory."""
    path = tmp_path / "in.zarr"
    zarr.create_array(path, shape=(64, 64), chunks=(1, 1), dtype="f8")
    looked_at = []
    monkeypatch.setattr(ChunkGuard, "check", lambda _, box: looked_at.append(box.size))
    block = open_place(path).read(Box.whole((64, 64)))
    assert_same_bits(block, np.zeros((64, 64)))
    assert max(looked_at) == 2**11
    assert sum(looked_at) == 64 * 64
    assert window_bytes((1, 1), (9999, 9999), np.dtype("u1")) >= 2**25
