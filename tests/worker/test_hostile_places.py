"""Hostile places: what is outside, a link, a secret or no array is neither read nor written."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from places import below
from places.errors import RefusedPlaceError
from places.offers import Places
from places.roots import Roots
from tests.support.worker_places import ARRAY, CANARY, NONCE, SHAPE, Served, digest
from tiling.errors import WireError
from tiling.geometry.box import Box
from tiling.protocol.places import REFUSED, Offer, StoredArray
from tiling.protocol.references import UNWRITTEN

FUZZ = int(os.environ.get("TILEFAN_FUZZ", "2000"))


@pytest.fixture(params=["openat2", "by hand"])
def served(tmp_path: Path, request: Any, monkeypatch: pytest.MonkeyPatch) -> Served:
    """Both ways to open what is below a folder."""
    if request.param == "by hand":

        def lacking(*_: object) -> int:
            raise OSError(38, "Function not implemented")

        monkeypatch.setattr(below, "_openat2", lacking)
    return Served.make(tmp_path)


def test_a_good_place(served: Served) -> None:
    """What all the others are variations of is read and written."""
    offer = served.offer()
    said = served.places.take(offer.encode())
    place = served.places.get(said["place"])
    block = served.places.read(place, Box((-2, 0), (4, 30)))
    assert block.tobytes() == np.vstack([ARRAY[-2:], ARRAY[:4]]).tobytes()
    served.places.write(place, Box((3, 5), (9, 11)), ARRAY[3:9, 5:11])
    written = np.frombuffer((served.root / ".out.raw.partial").read_bytes(), "<u2")
    want = np.zeros(SHAPE, "<u2")
    want[3:9, 5:11] = ARRAY[3:9, 5:11]
    assert written.tobytes() == want.tobytes()
    again = served.places.written(place, Box((2, 5), (9, 11)))
    assert again.tobytes() == want[2:9, 5:11].tobytes()


def link(served: Served) -> StoredArray:
    (served.root / "link.raw").symlink_to(served.outside / "canary.raw")
    return replace(served.read, path=str(served.root / "link.raw"))


def link_inside(served: Served) -> StoredArray:
    (served.root / "link.raw").symlink_to("in.raw")
    return replace(served.read, path=str(served.root / "link.raw"))


def linked_folder(served: Served) -> StoredArray:
    (served.root / "way").symlink_to(served.outside)
    return replace(served.read, path=str(served.root / "way" / "canary.raw"))


def pipe(served: Served) -> StoredArray:
    os.mkfifo(served.root / "pipe")
    return replace(served.read, path=str(served.root / "pipe"))


def secret_by_another_name(served: Served) -> StoredArray:
    (served.root / "runs" / "plain.raw").hardlink_to(served.root / "own" / "token")
    return StoredArray("flat", str(served.root / "runs" / "plain.raw"), (9,), "|u1")


def secret_in_a_folder_by_another_name(served: Served) -> StoredArray:
    (served.root / "own" / "fleet").mkdir()
    (served.root / "own" / "fleet" / "key").write_bytes(CANARY)
    (served.root / "runs" / "plain.raw").hardlink_to(served.root / "own" / "fleet" / "key")
    return StoredArray("flat", str(served.root / "runs" / "plain.raw"), (9,), "|u1")


def nonce_of_a_run(served: Served) -> StoredArray:
    return StoredArray("flat", str(served.root / ".out.raw.place"), (64,), "|u1")


def at(path: str) -> Callable[[Served], StoredArray]:
    """Return what reads a path, in which the two folders are named."""

    def make(served: Served) -> StoredArray:
        return replace(served.read, path=path.format(root=served.root, outside=served.outside))

    return make


def zarr(served: Served, **changed: Any) -> StoredArray:
    """Return an array of 2 x 2 chunks, of which the first is a link to what is outside."""
    folder = served.root / "in.zarr"
    (folder / "c" / "0").mkdir(parents=True)
    (folder / "zarr.json").write_text("{}")
    (folder / "c" / "0" / "0").symlink_to(served.outside / "canary.raw")
    metadata = {
        "zarr_format": 3,
        "node_type": "array",
        "shape": [4, 4],
        "data_type": "uint8",
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [2, 2]}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": 0,
        "codecs": [{"name": "bytes"}],
    }
    metadata |= changed
    return StoredArray(
        "zarr", str(folder), (4, 4), "|u1", version=3, metadata=metadata, chunk=(2, 2)
    )


def huge_chunks(served: Served) -> StoredArray:
    array = zarr(served)
    return replace(array, shape=(2**40, 4), chunk=(2**40, 2))


def nonsense(served: Served) -> StoredArray:
    return zarr(served, codecs=[{"name": "no-such-codec"}])


READS: list[Any] = [
    pytest.param(at("{outside}/canary.raw"), "is not below a folder", id="outside"),
    pytest.param(at("{root}/../outside/canary.raw"), "absolute and plain", id="dots"),
    pytest.param(at("{root}//in.raw"), "absolute and plain", id="slashes"),
    pytest.param(at("in.raw"), "absolute and plain", id="relative"),
    pytest.param(at("{root}/in.raw\0.npy"), "absolute and plain", id="nul"),
    pytest.param(at("{root}/" + "x" * 5000), "absolute and plain", id="long"),
    pytest.param(at("{root}/" + "x" * 300), "File name too long", id="long name"),
    pytest.param(at("{root}/\ud800"), "is no plain path", id="no text"),
    pytest.param(at("{root}/none.raw"), "No such file", id="missing"),
    pytest.param(at("{root}"), "is not below a folder", id="the root"),
    pytest.param(at("{root}/runs"), "is no regular file", id="folder"),
    pytest.param(at("{root}/own/token"), "is the worker's own", id="secret"),
    pytest.param(at("/proc/self/environ"), "is not below a folder", id="environment"),
    pytest.param(link, "symbolic links", id="link"),
    pytest.param(link_inside, "symbolic links", id="link inside"),
    pytest.param(linked_folder, "symbolic links|Not a directory", id="linked folder"),
    pytest.param(pipe, "is no regular file", id="pipe"),
    pytest.param(secret_by_another_name, "is the worker's own", id="hard link"),
    pytest.param(secret_in_a_folder_by_another_name, "is the worker's own", id="deep"),
    pytest.param(nonce_of_a_run, "is the nonce of a run", id="nonce"),
    pytest.param(at("{root}/\ud800"), "is no plain path", id="no text"),
    pytest.param(lambda s: replace(s.read, offset=1), "end beyond that", id="too long"),
    pytest.param(lambda s: replace(s.read, offset=-2), "make no sense", id="offset"),
    pytest.param(lambda s: replace(s.read, shape=(2**31, 2**31)), "no sense", id="huge"),
    pytest.param(lambda s: replace(s.read, shape=(-20, -30)), "no sense", id="negative"),
    pytest.param(lambda s: replace(s.read, dtype="|O8"), "dtype must be one of", id="objects"),
    pytest.param(lambda s: replace(s.read, version=3), "has version", id="version"),
    pytest.param(huge_chunks, "has chunks of", id="huge chunks"),
    pytest.param(nonsense, "can't be opened as zarr", id="nonsense"),
    pytest.param(zarr, "symbolic links", id="linked chunk"),
]


@pytest.mark.parametrize(("make", "words"), READS)
def test_what_is_not_read(
    served: Served, make: Callable[[Served], StoredArray], words: str
) -> None:
    """Each is refused in words that say why, and nothing is changed."""
    if make in (zarr, nonsense, huge_chunks):
        pytest.importorskip("tensorstore")
    read = make(served)
    write = None
    before = served.tree()
    boxes = (Box((0,) * len(read.shape), (1,) * len(read.shape)),) if min(read.shape) > 0 else ()
    offer = replace(served.offer(), read=read, write=write, nonce="", boxes=boxes)
    with pytest.raises((RefusedPlaceError, WireError), match=words) as refused:
        served.places.take(offer.encode())
    if isinstance(refused.value, RefusedPlaceError):
        assert refused.value.type == REFUSED
    assert served.tree() == before


def linked_output(served: Served) -> StoredArray:
    (served.root / ".link.raw.partial").symlink_to(served.outside / ".canary.raw.partial")
    (served.root / ".link.raw.place").write_text(NONCE)
    return replace(served.write, path=str(served.root / ".link.raw.partial"))


def linked_nonce(served: Served) -> StoredArray:
    (served.root / ".o.raw.partial").write_bytes(bytes(ARRAY.nbytes))
    (served.root / ".o.raw.place").symlink_to(served.root / ".out.raw.place")
    return replace(served.write, path=str(served.root / ".o.raw.partial"))


def of_two_names(served: Served) -> StoredArray:
    (served.root / ".two.raw.partial").hardlink_to(served.root / "in.raw")
    (served.root / ".two.raw.place").write_text(NONCE)
    return replace(served.write, path=str(served.root / ".two.raw.partial"))


def another_nonce(served: Served) -> StoredArray:
    (served.root / ".out.raw.place").write_text("0" * 64)
    return served.write


def no_nonce(served: Served) -> StoredArray:
    (served.root / ".out.raw.place").unlink()
    return served.write


def too_small(served: Served) -> StoredArray:
    os.truncate(served.root / ".out.raw.partial", 100)
    return served.write


WRITES: list[Any] = [
    pytest.param(at("{outside}/.canary.raw.partial"), "is not below", id="outside"),
    pytest.param(linked_output, "symbolic links", id="link"),
    pytest.param(linked_nonce, "symbolic links", id="linked nonce"),
    pytest.param(of_two_names, "has other names too", id="two names"),
    pytest.param(another_nonce, "has no nonce", id="another nonce"),
    pytest.param(no_nonce, "No such file", id="no nonce"),
    pytest.param(too_small, "there is no room", id="too small"),
]


@pytest.mark.parametrize(("make", "words"), WRITES)
def test_what_is_not_written(
    served: Served, make: Callable[[Served], StoredArray], words: str
) -> None:
    """The input is taken all the same; nothing is written, whatever is asked for then."""
    write = make(served)
    before = served.tree()
    said = served.places.take(served.offer(write=write).encode())
    assert words in said["write"]["refused"]
    place = served.places.get(said["place"])
    with pytest.raises(RefusedPlaceError) as refused:
        served.places.write(place, Box((0, 0), (2, 2)), ARRAY[:2, :2])
    assert refused.value.type == UNWRITTEN
    with pytest.raises(RefusedPlaceError, match="no output was offered, or not taken"):
        served.places.written(place, Box((0, 0), (2, 2)))
    assert served.tree() == before


@pytest.mark.parametrize("name", ["in.raw", ".partial", "x.partial", "own/token"])
def test_outputs_grow_under_hidden_names(served: Served, name: str) -> None:
    """What is not named as an output that grows is no output: the offer is refused as a whole."""
    write = replace(served.write, path=str(served.root / name))
    with pytest.raises(WireError, match="must grow under a hidden name"):
        served.places.take(served.offer(write=write).encode())


def test_what_is_swapped_afterwards(served: Served) -> None:
    """Another file under a name that was offered is neither read nor written."""
    said = served.places.take(served.offer().encode())
    place = served.places.get(said["place"])
    for name in ("in.raw", ".out.raw.partial"):
        (served.root / name).rename(served.root / f"{name}.before")
        (served.root / name).write_bytes(bytes(ARRAY.nbytes))
    before = served.tree()
    with pytest.raises(RefusedPlaceError, match="is another file than was offered"):
        served.places.read(place, Box((0, 0), (2, 2)))
    with pytest.raises(RefusedPlaceError, match="is another file than was offered"):
        served.places.write(place, Box((0, 0), (2, 2)), ARRAY[:2, :2])
    with pytest.raises(RefusedPlaceError, match="is another file than was offered"):
        served.places.written(place, Box((0, 0), (2, 2)))
    assert served.tree() == before


def test_a_served_folder_that_is_swapped(tmp_path: Path) -> None:
    """A link in its place, which somebody put there since, is not followed."""
    served = Served.make(tmp_path)
    roots = Roots.of([served.root / "runs", served.root])
    (served.root / "runs").rmdir()
    (served.root / "runs").symlink_to(served.outside)
    with (
        pytest.raises(OSError, match=r"symbolic links|Not a directory"),
        roots.file(str(served.root / "runs" / "canary.raw")),
    ):
        pass


def test_chunks_whose_store_is_gone(served: Served) -> None:
    """Under the folder of an array that was unmounted all chunks are missing: that is no array."""
    pytest.importorskip("tensorstore")
    array = zarr(served)
    offer = Offer(array, boxes=(Box((3, 3), (4, 4)),))
    place = served.places.get(served.places.take(offer.encode())["place"])
    folder = Path(array.path)
    folder.rename(served.root / "gone.zarr")
    folder.mkdir()
    with pytest.raises(RefusedPlaceError, match="No such file"):
        served.places.read(place, Box((2, 2), (4, 4)))
    (folder / "zarr.json").write_text("{}")
    with pytest.raises(RefusedPlaceError, match="is another array than was offered"):
        served.places.read(place, Box((2, 2), (4, 4)))


def test_what_was_offered_before_is_read_anew(served: Served) -> None:
    """The same offer, after its input was changed, shows what is there now."""
    pytest.importorskip("tensorstore")
    array = zarr(served, codecs=[{"name": "bytes"}, {"name": "crc32c"}])
    offer = Offer(array, boxes=(Box((0, 0), (1, 1)),))
    chunk = Path(array.path) / "c" / "0" / "0"
    chunk.unlink()
    before = served.places.take(offer.encode())
    chunk.write_bytes(bytes.fromhex("01020304f48c3029"))
    after = served.places.take(offer.encode())
    assert after["place"] == before["place"]
    assert after["read"]["samples"] != before["read"]["samples"]


def test_nothing_is_written_after_the_end(served: Served) -> None:
    """A late tile finds no nonce any more, and changes nothing."""
    said = served.places.take(served.offer().encode())
    (served.root / ".out.raw.place").unlink()
    before = served.tree()
    with pytest.raises(RefusedPlaceError, match="No such file"):
        served.places.write(served.places.get(said["place"]), Box((0, 0), (2, 2)), ARRAY[:2, :2])
    assert served.tree() == before


def test_closed_unless_opened(tmp_path: Path) -> None:
    """Without --serve-from nothing is served."""
    served = Served.make(tmp_path)
    closed = Places(Roots(), 1, 0, 0)
    assert not closed.is_open
    with pytest.raises(RefusedPlaceError, match="serves no places: start it with --serve-from"):
        closed.take(served.offer().encode())


ATOMS: list[Any] = [
    *(None, True, -1, 0, 1, 2**31, 2**63, 2**64, 1.5, "", "x", "C", "F", "zarr", "flat", [], {}),
    *("s3://bucket/in.zarr", "gs://bucket/../in.zarr", "s3://", "file:///etc/passwd"),
    *([0], [1, 1], [20, 30], [2**40], ["a"], [[0, 0], [1, 1]], "<u2", ">u2", "<f8", "|b1", "|O8"),
    *("/", "/etc/passwd", "/proc/self/environ", "/dev/zero", "..", "\0", "\udcff", "/" * 5000),
    "\ud800",
]


def mutated(rng: random.Random, said: Any, served: Served) -> Any:
    """Return JSON in which something is another thing."""
    if isinstance(said, dict) and said and rng.random() < 0.8:
        key = rng.choice([*said])
        if rng.random() < 0.1:
            return {**said, rng.choice(["x", "path", "kind"]): rng.choice(ATOMS)}
        return {**said, key: mutated(rng, said[key], served)}
    if isinstance(said, list) and said and rng.random() < 0.6:
        number = rng.randrange(len(said))
        return [mutated(rng, v, served) if i == number else v for i, v in enumerate(said)]
    if isinstance(said, str) and "/" in said and rng.random() < 0.8:
        return hostile_path(rng, served)
    if isinstance(said, int) and rng.random() < 0.5:
        return said + rng.choice([-1, 1, 7, -(2**20)])
    return rng.choice(ATOMS)


def hostile_path(rng: random.Random, served: Served) -> str:
    """Return a path that may lead anywhere."""
    names = ["..", ".", "", "runs", "in.raw", "way", "link.raw", "own", "token", "outside"]
    names += ["canary.raw", ".canary.raw.partial", ".out.raw.partial", "served", "pipe", "in.zarr"]
    start = rng.choice([str(served.root), str(served.outside), "", "/proc/self/fd", "/"])
    return "/".join([start, *rng.choices(names, k=rng.randint(0, 4))])


def test_mutated_places(tmp_path: Path) -> None:
    """Whatever is offered, nothing outside is read or written, and no secret is seen."""
    pytest.importorskip("tensorstore")
    served = Served.make(tmp_path)
    for make in (link, linked_folder, pipe, secret_by_another_name):
        try:
            make(served)
        except FileExistsError:
            continue
    array = zarr(served)
    outside = {key: data for key, data in served.tree().items() if "/.out.raw." not in key}
    rng = random.Random(20)
    good = [
        json.loads(served.offer().encode()),
        json.loads(replace(served.offer(), read=array, write=None, nonce="").encode()),
    ]
    taken = 0
    for _ in range(FUZZ):
        said = rng.choice(good)
        for _ in range(rng.randint(0, 3)):
            said = mutated(rng, said, served)
        try:
            answer = served.places.take(json.dumps(said).encode())
        except (RefusedPlaceError, WireError):
            continue
        taken += 1
        place = served.places.get(answer["place"])
        shape = place.offer.read.shape
        box = Box((0,) * len(shape), tuple(min(3, length) for length in shape))
        try:
            block = served.places.read(place, box)
            assert CANARY[:4] not in block.tobytes()
            served.places.write(place, box, np.ones(box.shape, place.offer.read.numpy_dtype))
            assert CANARY[:4] not in served.places.written(place, box).tobytes()
        except RefusedPlaceError:
            continue
    assert taken > FUZZ / 100
    now = {key: data for key, data in served.tree().items() if "/.out.raw." not in key}
    assert now == outside
    assert (served.root / ".out.raw.place").read_text() == NONCE
    assert digest(NONCE) == served.offer().nonce
