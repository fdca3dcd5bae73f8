"""Runs into zarr: cut short and resumed, replaced at once, and never half an array."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, gaussian_gradient_magnitude, uniform_filter

from coordinator.checks.recompute import Sampling
from coordinator.errors import InputChangedError, InputError, StoreError
from coordinator.machine import resident_bytes
from coordinator.report.artifacts import Artifacts
from coordinator.stores import folder as folders
from coordinator.stores.file_state import FileState
from coordinator.stores.files import open_place
from coordinator.stores.folder import digest_of
from coordinator.stores.place import Place
from coordinator.stores.storing import Storing
from coordinator.workflows.filter_file import filter_chain
from coordinator.workflows.inspect_files import preview_files, show_file
from coordinator.workflows.run_options import Placement, RunOptions
from coordinator.workflows.verify_file import verify_file
from tests.coordinator.run.cut_short import SHAPE, SIGMA, TILES, Killed, Watched, Workbench
from tests.support.equality import assert_same_bits
from tests.support.formats import NPY, SHARDED, ZARR, ZARR_2, parameters
from tiling.errors import BadValueError

pytest.importorskip("tensorstore")

METADATA = ("zarr.json", ".zarray")


@pytest.fixture(params=parameters((ZARR, ZARR_2, SHARDED)))
def bench(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Workbench:
    return Workbench(tmp_path, monkeypatch, request.param)


@pytest.fixture
def plain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workbench:
    pytest.importorskip("zarr")
    return Workbench(tmp_path, monkeypatch, ZARR)


def assert_done(bench: Workbench) -> None:
    """The output is SciPy's, and nothing lies beside it."""
    assert_same_bits(bench.result(), gaussian_filter(bench.input(), SIGMA))
    assert bench.left == {bench.target.name}


def chunks(path: Path) -> list[Path]:
    """Return the files of chunks, in order of their tiles."""
    found = [each for each in path.rglob("*") if each.is_file() and each.name not in METADATA]
    return sorted(
        found,
        key=lambda each: [
            int(n) for n in each.as_posix().replace(".", "/").split("/") if n.isdigit()
        ],
    )


@pytest.mark.parametrize("after", [1, 4, TILES])
def test_it_goes_on_where_it_ended(bench: Workbench, after: int) -> None:
    """No finished tile is computed again; until the end there is no metadata anywhere."""
    bench.die(after)
    assert bench.left == bench.hidden
    assert not [each for each in bench.partial.rglob("*") if each.name in METADATA]
    engine = bench.blur(resume=True)
    assert engine.sent == list(range(after, TILES))
    assert_done(bench)


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    "spoil",
    [flip, lambda path: os.truncate(path, 9), lambda path: os.truncate(path, 0), Path.unlink],
    ids=["a bit", "cut short", "empty", "missing"],
)
def test_what_is_spoilt_is_computed_again(plain: Workbench, spoil: Callable[[Path], None]) -> None:
    """A chunk that is there proves nothing."""
    plain.die(3)
    spoil(chunks(plain.partial)[0])
    assert plain.blur(resume=True).sent == [0, 3, 4, 5, 6, 7]
    assert_done(plain)


def test_what_a_killed_writer_left_is_cleared_away(plain: Workbench) -> None:
    """The files of chunks that were not whole."""
    plain.die(3)
    litter = chunks(plain.partial)[0].with_name("0.__lock")
    litter.write_bytes(b"half")
    plain.blur(resume=True)
    assert not [*plain.target.rglob("*__lock")]
    assert_done(plain)


def test_links_in_what_is_left_are_not_followed(plain: Workbench, tmp_path: Path) -> None:
    """Somebody else may have put them there."""
    plain.die(3)
    (plain.partial / "c" / "link").symlink_to(tmp_path)
    with pytest.raises(StoreError, match="has links in it"):
        plain.blur(resume=True)
    plain.blur(overwrite=True)
    assert tmp_path.exists()
    assert_done(plain)


def touch(path: Path) -> None:
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 10**9))


def grow(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\0")


@pytest.mark.parametrize("change", [touch, grow])
def test_another_input_is_refused(plain: Workbench, change: Callable[[Path], None]) -> None:
    """One chunk that was written to is enough."""
    plain.die(3)
    change(chunks(plain.source)[5])
    with pytest.raises(InputError, match="the input changed"):
        plain.blur(resume=True)
    assert plain.left == plain.hidden


def test_an_input_that_changes_while_it_is_read(plain: Workbench) -> None:
    """The output would be a mixture."""
    with pytest.raises(InputChangedError, match="was changed while it was read"):
        plain.blur(Watched(2, lambda: touch(chunks(plain.source)[0])))
    assert plain.left == set()


def test_a_chunk_that_is_exchanged_for_an_older_one(plain: Workbench) -> None:
    """Its time tells nothing, but it is another file."""

    def exchange() -> None:
        first, second = chunks(plain.source)[:2]
        os.utime(second, ns=(1, 1))
        second.replace(first)

    chunk = chunks(plain.source)[1]
    with pytest.raises(InputChangedError, match="was changed while it was read"):
        plain.blur(Watched(3, exchange))
    assert not chunk.exists()
    assert plain.left == set()


def write(bench: Workbench, name: str, at: Path) -> None:
    """Write an artifact, or another output, into a place."""
    if name == "preview":
        preview_files(bench.source, bench.target, at.with_suffix(".png"))
    elif name == "output":
        array = at.parent.parent
        filter_chain([("gaussian_filter", {"sigma": 1})], array, at.with_suffix(".npy"))
    else:
        named: dict[str, Any] = {name: at}
        bench.blur(overwrite=True, artifacts=Artifacts(**named))


@pytest.mark.parametrize("name", ["report", "trace", "preview", "output"])
@pytest.mark.parametrize("whose", ["input", "output"])
def test_nothing_else_is_written_into_an_array(plain: Workbench, name: str, whose: str) -> None:
    """Neither beside the chunks of the input nor of the output."""
    plain.blur()
    inside = (plain.source if whose == "input" else plain.target) / "c" / "x"
    before = sorted(plain.source.rglob("*")), sorted(plain.target.rglob("*"))
    with pytest.raises(InputError, match=r"would be in "):
        write(plain, name, inside)
    assert (sorted(plain.source.rglob("*")), sorted(plain.target.rglob("*"))) == before


def test_other_chunks_are_refused(plain: Workbench) -> None:
    """What is there is stored otherwise; the unfinished run is still there."""
    plain.die(3)
    with pytest.raises(InputError, match=r"was stored as zarr 3, chunks 4,4.*, and is as .*8,7"):
        plain.blur(resume=True, storing=Storing((8, 7)))
    plain.blur(resume=True)
    assert_done(plain)


def test_tiles_cut_no_chunk(plain: Workbench) -> None:
    """Tiles that would are refused, with tiles and chunks that fit."""
    with pytest.raises(BadValueError, match=r"take --tile 8,4, or .* --chunks 6,3"):
        plain.blur(tile=(6, 3))
    plain.blur(tile=(6, 3), storing=Storing((6, 3)))
    assert_done(plain)


def test_a_second_coordinator_is_refused(bench: Workbench) -> None:
    """While one writes an output, another one can neither begin nor resume it."""
    refused = []

    def intrude() -> None:
        for options in ({"resume": True}, {"overwrite": True}, {}):
            with pytest.raises(StoreError, match="another coordinator is writing it") as caught:
                bench.blur(Watched(), **options)
            refused.append(caught.value.exit_code)

    bench.blur(Watched(2, intrude))
    assert refused == [7, 7, 7]
    assert_done(bench)


def test_a_name_taken_at_the_last_moment(bench: Workbench) -> None:
    """The output can't be put in place: exit 7, and everything is kept for another try."""

    def take() -> None:
        bench.target.mkdir()
        (bench.target / "own").touch()

    with pytest.raises(StoreError, match="somebody has made this") as caught:
        bench.blur(Watched(TILES, take))
    assert caught.value.exit_code == 7
    (bench.target / "own").unlink()
    bench.target.rmdir()
    assert bench.blur(resume=True).sent == []
    assert_done(bench)


@pytest.mark.parametrize("atomic", [True, False])
def test_an_older_array_is_replaced(
    plain: Workbench, monkeypatch: pytest.MonkeyPatch, atomic: bool
) -> None:
    """Until then it is whole, and it is gone after; by one exchange where the system can."""
    plain.library.save(plain.target, np.arange(100.0))

    def check() -> None:
        assert_same_bits(plain.result(), np.arange(100.0))

    if not atomic:
        monkeypatch.setattr(folders.ctypes, "CDLL", lambda *_, **__: object())
    plain.blur(Watched(TILES, check), overwrite=True)
    assert_done(plain)


@pytest.mark.parametrize(
    "name", ["", "in.zarr", "c"], ids=["the input", "in the input", "deep in the input"]
)
def test_the_input_is_not_overwritten(plain: Workbench, name: str) -> None:
    """Nor written into."""
    before = [each.stat().st_mtime_ns for each in plain.source.rglob("*")]
    plain.target = (plain.source / name).with_suffix(".zarr")
    with pytest.raises(InputError, match=r"the output is the input|would be in the input"):
        plain.blur(overwrite=True)
    assert [each.stat().st_mtime_ns for each in plain.source.rglob("*")] == before


@pytest.mark.parametrize("name", ["out.zarr", "c/out.zarr"])
def test_no_output_among_the_chunks_of_another_array(plain: Workbench, name: str) -> None:
    """Whoever replaced that array would lose it."""
    other = plain.target.with_name("other.zarr")
    plain.library.save(other, np.arange(3.0))
    plain.target = other / name
    with pytest.raises(InputError, match=r"would be among the chunks of .*/other\.zarr; name"):
        plain.blur()


def test_a_folder_that_is_no_zarr_is_kept(plain: Workbench) -> None:
    """Somebody else's files are in it."""
    plain.target.mkdir()
    (plain.target / "precious").touch()
    with pytest.raises(InputError, match="is no zarr"):
        plain.blur(overwrite=True)
    assert (plain.target / "precious").exists()


def test_the_input_in_the_output_is_kept(plain: Workbench) -> None:
    """An array in a group that would be replaced."""
    plain.target = plain.source.parent
    (plain.target / "zarr.json").write_text("{}")
    plain.target = plain.target.rename(plain.target.with_suffix(".zarr"))
    plain.source = plain.target / plain.source.name
    with pytest.raises(InputError, match=r"the input, .* is in it"):
        plain.blur(overwrite=True)
    assert plain.source.exists()


@pytest.mark.parametrize("version", [2, 3])
def test_other_arrays_in_the_output_are_kept(plain: Workbench, version: int) -> None:
    """A group is replaced if it is an image of some levels, and holds nothing else."""
    import zarr

    group = zarr.create_group(plain.target, zarr_format=version)
    for name in ("0", "labels/cells", "well/1"):
        group.create_array(name, data=np.arange(4.0))
    for datasets in ([], [{"path": "0"}]):
        group.attrs["multiscales"] = [{"datasets": datasets}]
        with pytest.raises(InputError, match=r"would be lost \((0, )?labels/cells, well/1\)"):
            plain.blur(overwrite=True)
    for name in ("labels", "well"):
        del group[name]
    plain.blur(overwrite=True)
    assert_done(plain)


def test_a_link_as_output_is_followed(plain: Workbench) -> None:
    """The folder that it names is replaced; the link stays."""
    real = plain.target.with_name("real.zarr")
    plain.library.save(real, np.arange(3.0))
    plain.target.symlink_to(real.name)
    plain.blur(overwrite=True)
    assert plain.target.is_symlink()
    assert_same_bits(ZARR.load(real), gaussian_filter(plain.input(), SIGMA))


def test_whole_lines_and_several_stages(plain: Workbench) -> None:
    """The last stage writes chunks; those before it are kept elsewhere."""
    for name, given, want in (
        (
            "gaussian_gradient_magnitude",
            {"sigma": 1.0},
            gaussian_gradient_magnitude(plain.input(), 1),
        ),
        ("uniform_filter", {"size": 5}, uniform_filter(plain.input(), 5)),
    ):
        options = RunOptions(style="none", overwrite=True)
        filter_chain([(name, given)], plain.source, plain.target, options)
        assert_same_bits(plain.result(), want)


def test_from_and_to_npy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Formats may differ: a new array has chunks of its own."""
    bench = Workbench(tmp_path, monkeypatch, NPY)
    bench.target = bench.target.with_suffix(".zarr")
    bench.blur(tile=None)
    want = gaussian_filter(bench.input(), SIGMA)
    assert_same_bits(ZARR.load(bench.target), want)
    bench.source, bench.target = bench.target, bench.target.with_suffix(".npy")
    bench.blur(tile=None)
    assert_same_bits(np.load(bench.target), gaussian_filter(want, SIGMA))


def test_missing_chunks_are_told(plain: Workbench) -> None:
    """They read as the fill value, as zarr has it."""
    chunks(plain.source)[3].unlink()
    plain.blur(notes=True)
    assert plain.said == ["note: 1 of 30 chunks of the input are missing: read as fill values"]
    assert_done(plain)


def test_memory_says_which_chunks_would_fit(plain: Workbench, tmp_path: Path) -> None:
    """Where one chunk of the output is too much."""
    source = tmp_path / "large.zarr"
    import zarr

    zarr.create_array(source, shape=(8192, 8192), chunks=(8192, 8192), dtype="f4")
    limit_bytes = resident_bytes() + 800_000_000  # what this process has taken is part of the need
    options = RunOptions(Placement(max_memory_bytes=limit_bytes), style="none")
    with pytest.raises(InputError, match=r"do not suffice: .* by --chunks \d+,\d+"):
        filter_chain([("gaussian_filter", {"sigma": 1})], source, plain.target, options)
    assert plain.left == set()


def test_what_a_reader_is_told(plain: Workbench) -> None:
    """Chunks, codecs, names, fill value and attributes are the input's."""
    document: dict[str, Any] = json.loads((plain.source / "zarr.json").read_text())
    document["attributes"] = {"unit": "µm", "deep": {"a": [1, None]}}
    document["dimension_names"] = ["t", None]
    document["fill_value"] = "NaN"
    (plain.source / "zarr.json").write_text(json.dumps(document))
    plain.blur()
    assert json.loads((plain.target / "zarr.json").read_text()) == document
    assert_same_bits(plain.result(), gaussian_filter(plain.input(), SIGMA))
    assert plain.input().shape == SHAPE


@pytest.mark.parametrize("dtype", ["<f4", ">f4"])
def test_it_is_verified_and_shown(plain: Workbench, tmp_path: Path, dtype: str) -> None:
    """Whatever the input's byte order; its provenance knows it again, and not if it was changed."""
    source = tmp_path / "in.npy"
    np.save(source, plain.input().astype(dtype))
    options = RunOptions(style="none", artifacts=Artifacts(provenance=True))
    links = [("gaussian_filter", {"sigma": SIGMA})]
    filter_chain(links, source, plain.target, options)
    verify_file(links, plain.target, source, sampling=Sampling(1.0), style="none")
    assert show_file(plain.target)[1] is True
    flip(chunks(plain.target)[0])
    assert show_file(plain.target)[1] is False


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("resume", [True, False])
def test_killed_beside_the_exchange(
    plain: Workbench, monkeypatch: pytest.MonkeyPatch, when: str, *, resume: bool
) -> None:
    """A whole array is there, the old or the new one; another run leaves nothing beside it."""
    plain.library.save(plain.target, np.arange(100.0))
    exchange = folders.put_in_place

    def die(new: Path, path: Path) -> None:
        if when == "after":
            exchange(new, path)
        raise Killed

    monkeypatch.setattr(folders, "put_in_place", die)
    with pytest.raises(Killed):
        plain.blur(overwrite=True)
    monkeypatch.setattr(folders, "put_in_place", exchange)
    new = gaussian_filter(plain.input(), SIGMA)
    assert_same_bits(plain.result(), new if when == "after" else np.arange(100.0))
    plain.blur(overwrite=True, resume=resume)
    assert_done(plain)


@pytest.mark.parametrize("name", ["out.zarr", "out.ome.zarr"])
def test_other_files_in_an_array_are_not_replaced(tmp_path: Path, name: str) -> None:
    """Someone may keep notes there; with the array alone, or an image's levels."""
    source, target = tmp_path / "in.npy", tmp_path / name
    np.save(source, np.arange(12.0).reshape(3, 4))
    again = RunOptions(overwrite=True, style="none")
    for _ in range(2):
        filter_chain([("sobel", {})], source, target, again)
    notes = target / "notes.txt"
    notes.write_text("mine")
    with pytest.raises(InputError, match=r"would be lost \(notes.txt\)"):
        filter_chain([("sobel", {})], source, target, again)
    assert notes.read_text() == "mine"


@pytest.mark.parametrize(
    "put",
    [
        os.mkfifo,
        lambda path: path.symlink_to("/dev/zero"),
        lambda path: path.symlink_to("nowhere"),
        lambda path: path.symlink_to("c"),
    ],
    ids=["a pipe", "a device", "a dangling link", "a link to a folder"],
)
def test_what_is_no_file_beside_chunks(plain: Workbench, put: Callable[[Path], None]) -> None:
    """It is not read for the input's digest, which tells that it is there."""
    other = plain.source.with_name("other.zarr")
    plain.library.save(other, plain.input())
    without = digest_of(other)
    put(other / "more")
    filter_chain([("sobel", {})], other, plain.target, RunOptions(style="none"))
    assert digest_of(other) != without


@pytest.mark.parametrize("name", ["c", "c/0", "."])
def test_a_link_to_a_folder_is_followed(tmp_path: Path, name: str) -> None:
    """No chunk is missing that is behind it, and a change there is one of the input."""
    place = Place(tmp_path / "group.zarr", "in.zarr")
    place.path.mkdir()
    (place.path / "zarr.json").write_text('{"zarr_format": 3, "node_type": "group"}')
    ZARR.save(place.path / "in.zarr", np.arange(16.0).reshape(4, 4))
    link = (place.path / "in.zarr" / name).resolve()
    away = link.rename(tmp_path / "away")
    link.symlink_to(away)
    (away / "9").symlink_to(away)  # where it leads for ever
    assert open_place(place).notes() == ()
    before, digest = FileState.of(place), digest_of(place.path)
    chunk = next(away.rglob("0/0") if name != "c/0" else away.glob("0"))
    chunk.write_bytes(chunk.read_bytes()[::-1])
    assert FileState.of(place) != before
    assert digest_of(place.path) != digest


def test_a_link_to_a_chunk_is_followed(tmp_path: Path) -> None:
    """What is behind it is what is read: a change there is one of the input."""
    ZARR.save(tmp_path / "in.zarr", np.arange(4.0))
    chunk = tmp_path / "in.zarr/c/0"
    away = chunk.rename(tmp_path / "away")
    chunk.symlink_to(away)
    before = FileState.of(Place(tmp_path / "in.zarr"))
    away.write_bytes(away.read_bytes() + b"1")
    assert FileState.of(Place(tmp_path / "in.zarr")) != before
