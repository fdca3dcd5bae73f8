"""Tiles by reference: workers open the files themselves, and the bits are SciPy's."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping, Set
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from coordinator.checks.recompute import Sampling
from coordinator.cli.render_forecast import lines
from coordinator.engines.http.engine import HttpEngine
from coordinator.errors import InputError, NoWorkerError
from coordinator.events import TileKept, TileStored, TilesVerified
from coordinator.hosts.by_reference import ByReference
from coordinator.hosts.hosts_file import parse_hosts
from coordinator.hosts.token import find_credential
from coordinator.journal.records import Finished
from coordinator.journal.recovery import believe, find
from coordinator.run import output
from coordinator.run.calls import Link
from coordinator.stores.files import open_place
from coordinator.workflows.filter_file import filter_chain
from coordinator.workflows.plan_file import CAVEAT_CHUNKS, plan_chain
from coordinator.workflows.run_options import Placement, RunOptions, Storing
from tests.support.by_reference import Told, blur, filtered
from tests.support.cabled_network import THERE, NoNetworkError, cabled_network
from tests.support.equality import assert_same_bits
from tests.support.formats import FITS, HDF5, NIFTI, NPY, TIFF, ZARR, ZARR_2, Library, native
from tests.support.processes import WorkerProcess, running_workers
from tests.support.strategies import samples
from tiling.filters import FILTERS
from tiling.jobs.job import Job

COUNT = int(os.environ.get("TILEFAN_CABLED_WORKERS", "2"))
"""Workers beyond a cable that counts bytes."""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the workers serve."""
    return tmp_path_factory.mktemp("shared")


@pytest.fixture(scope="module")
def workers(shared: Path) -> Iterator[list[WorkerProcess]]:
    with running_workers(2, "--serve-from", str(shared), "--threads", "1") as workers:
        yield workers
        assert [worker.complaints() for worker in workers] == ["", ""]


@pytest.fixture(scope="module")
def hosts(workers: list[WorkerProcess]) -> list[str]:
    return [worker.address for worker in workers]


@pytest.fixture
def folder(shared: Path, request: pytest.FixtureRequest) -> Path:
    """A folder of a test's own, below the one that is served."""
    folder = shared / f"{abs(hash(request.node.name)):x}"
    folder.mkdir()
    return folder


def all_by_reference(told: Told) -> bool:
    """Whether no sample passed the coordinator."""
    return (
        told.body_bytes == 0
        and told.places != []
        and all((each.reads, each.writes, each.reason) == (True, True, "") for each in told.places)
    )


def test_what_is_expected_of_a_fleet(hosts: list[str]) -> None:
    """Workers of this machine that serve places open files, unless they are not asked to."""
    job = Job(2, (FILTERS["gaussian_filter"].call(2, np.dtype("f4"), 2.0),))
    for way, opens in (("auto", True), ("never", False)):
        config = parse_hosts(hosts).with_by_reference(way)
        with closing(HttpEngine(config, find_credential())) as engine:
            assert engine.prepare(job, lambda _: None).opens == opens


@pytest.mark.parametrize("mode", ["reflect", "wrap", "constant"])
@pytest.mark.parametrize(
    "library", [NPY, ZARR, ZARR_2, TIFF, HDF5, NIFTI, FITS], ids=lambda each: each.suffix
)
def test_formats(hosts: list[str], folder: Path, library: Library, mode: str) -> None:
    """Whatever the samples lie in, they are read and written where they are."""
    library.require()
    array = samples((37, 50, 5), "<f4", 1, special=False)
    source, target = folder / f"in{library.suffix}", folder / f"out{library.suffix}"
    library.save(source, array)
    storing = Storing(chunks=(8, 16, 5)) if library in (ZARR, ZARR_2) else Storing()
    told = filtered(blur(mode=mode), source, target, hosts, tile=(8, 16, 5), storing=storing)
    assert all_by_reference(told)
    assert told.stored == 20
    wanted = ndimage.gaussian_filter(array, 2.0, mode=mode)
    assert_same_bits(native(library.load(target)), wanted)
    names = {path.name for path in folder.iterdir()}
    assert {name for name in names if name.startswith(".")} == set()


@pytest.mark.parametrize("dtype", ["?", "u1", ">i2", "<i8", ">f8", "<c8"])
@pytest.mark.parametrize("fortran", [False, True], ids=["C", "F"])
def test_dtypes(hosts: list[str], folder: Path, dtype: str, fortran: bool) -> None:
    """Of any byte order, and with either axis first."""
    array = samples((40, 30), dtype, 2, special=False)
    np.save(folder / "in.npy", np.asfortranarray(array) if fortran else array)
    target = folder / "out.npy"
    assert all_by_reference(filtered(blur(1.0), folder / "in.npy", target, hosts, tile=(16, 7)))
    assert_same_bits(native(np.load(target)), ndimage.gaussian_filter(native(array), 1.0))


@pytest.mark.parametrize("shape", [(), (0, 4), (1,), (5000,), (3, 1, 2, 4)], ids=str)
def test_shapes(hosts: list[str], folder: Path, shape: tuple[int, ...]) -> None:
    """Also where there is nothing to be drawn by lot."""
    array = samples(shape, "<f8", 3, special=False)
    np.save(folder / "in.npy", array)
    filtered(blur(1.0), folder / "in.npy", folder / "out.npy", hosts)
    assert_same_bits(np.load(folder / "out.npy"), ndimage.gaussian_filter(array, 1.0))


def test_never_and_memory(hosts: list[str], folder: Path) -> None:
    """Whoever does not want it gets bytes, and so does a filter that takes several stages."""
    array = samples((60, 50), "<f4", 4, special=False)
    np.save(folder / "in.npy", array)
    told = filtered(blur(), folder / "in.npy", folder / "out.npy", hosts, "never")
    assert told.places == []
    assert told.body_bytes == array.nbytes
    assert_same_bits(np.load(folder / "out.npy"), ndimage.gaussian_filter(array, 2.0))
    stages: list[Link] = [("gaussian_filter", {"sigma": 1}), ("uniform_filter", {"size": 3})]
    filtered(stages, folder / "in.npy", folder / "staged.npy", hosts)
    wanted = ndimage.uniform_filter(ndimage.gaussian_filter(array, 1), 3)
    assert_same_bits(np.load(folder / "staged.npy"), wanted)


def test_other_folder(workers: list[WorkerProcess], tmp_path: Path) -> None:
    """Of what is not below the folder that is served, bytes are sent, and a line says so."""
    array = samples((60, 50), "<f4", 5, special=False)
    np.save(tmp_path / "in.npy", array)
    hosts = [worker.address for worker in workers]
    told = filtered(blur(), tmp_path / "in.npy", tmp_path / "out.npy", hosts)
    assert [each.reads for each in told.places] == [False, False]
    assert all("is not below a folder that this worker serves" in e.reason for e in told.places)
    assert_same_bits(np.load(tmp_path / "out.npy"), ndimage.gaussian_filter(array, 2.0))
    with pytest.raises(NoWorkerError, match=r"not by reference: .* is not below a folder"):
        filtered(blur(), tmp_path / "in.npy", tmp_path / "no.npy", hosts, "require")
    assert {path.name for path in tmp_path.iterdir()} == {"in.npy", "out.npy"}


def test_required_of_memory(hosts: list[str], folder: Path) -> None:
    """An array that is nowhere but in memory can't be opened by anybody."""
    np.save(folder / "in.npy", np.zeros((9, 9)))
    links: list[Link] = [("gaussian_filter", {"sigma": 1}), ("uniform_filter", {"size": 3})]
    with pytest.raises(InputError, match=r"by reference is required, and .* takes 2 stages"):
        filtered(links, folder / "in.npy", folder / "out.npy", hosts, "require")
    assert [path.name for path in folder.iterdir()] == ["in.npy"]


def test_mixed_fleet(hosts: list[str], folder: Path) -> None:
    """A worker that serves nothing does its share by bytes, in silence."""
    array = samples((90, 50), "<f4", 6, special=False)
    np.save(folder / "in.npy", array)
    with running_workers(1, "--threads", "1") as others:
        fleet = [*hosts, others[0].address]
        told = filtered(blur(), folder / "in.npy", folder / "out.npy", fleet, tile=(10, 10))
    assert [each.worker for each in told.places] == hosts
    assert 0 < told.body_bytes < array.nbytes
    assert_same_bits(np.load(folder / "out.npy"), ndimage.gaussian_filter(array, 2.0))


def test_paths_that_differ(workers: list[WorkerProcess], shared: Path, folder: Path) -> None:
    """hosts.toml says what a folder is called there."""
    array = samples((60, 50), "<f4", 7, special=False)
    np.save(folder / "in.npy", array)
    moved = shared.parent / f"{shared.name}-elsewhere"
    moved.symlink_to(shared)
    address = workers[0].address
    text = f'[[hosts]]\nurl = "{address}"\n[hosts.paths]\n"{folder}" = "{folder}"\n'
    (folder / "hosts.toml").write_text(text)
    # Read through the link: the file is meant, whatever it is called here.
    source = moved / folder.name / "in.npy"
    told = filtered(blur(), source, folder / "out.npy", str(folder / "hosts.toml"))
    assert all_by_reference(told)
    (folder / "hosts.toml").write_text(text.replace(f'= "{folder}"', '= "/nowhere"'))
    told = filtered(blur(), source, folder / "o2.npy", str(folder / "hosts.toml"))
    assert told.places[0].reason.startswith("HTTP 422: /nowhere/in.npy: is not below")
    assert_same_bits(np.load(folder / "o2.npy"), ndimage.gaussian_filter(array, 2.0))


def test_another_file_there(workers: list[WorkerProcess], folder: Path) -> None:
    """A copy is not the file, though all its samples and times are the same."""
    array = samples((60, 50), "<f4", 8, special=False)
    for name in ("here", "there"):
        (folder / name).mkdir()
        np.save(folder / name / "in.npy", array)
        os.utime(folder / name / "in.npy", ns=(10**18, 10**18))
    text = f'[[hosts]]\nurl = "{workers[0].address}"\n[hosts.paths]\n'
    text += f'"{folder}/here" = "{folder}/there"\n'
    (folder / "hosts.toml").write_text(text)
    source, target = folder / "here" / "in.npy", folder / "here" / "out.npy"
    told = filtered(blur(), source, target, str(folder / "hosts.toml"))
    assert [each.reads for each in told.places] == [False]
    assert "is another file of this machine there" in told.places[0].reason
    assert_same_bits(np.load(target), ndimage.gaussian_filter(array, 2.0))


def left_by(
    hosts: list[str],
    source: Path,
    target: Path,
    storing: Storing = Storing(),  # noqa: B008
) -> Mapping[int, Finished]:
    """Begin a run of 40 tiles that ends early; return what its journal says."""

    def stop(_: float, event: object) -> None:
        if isinstance(event, TileStored):
            told.append(event)
            if len(told) == 9:
                raise KeyboardInterrupt

    told: list[object] = []
    placement = Placement(hosts=",".join(hosts), tile=(10, 10))
    options = RunOptions(placement, style="none", log=stop, storing=storing)
    with pytest.raises(KeyboardInterrupt):
        filter_chain(blur(), source, target, options)
    left = find(target)
    assert left is not None
    assert len(left.finished) >= 9
    assert not target.with_name(f".{target.name}.place").exists()
    return left.finished


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[Set[int]]:
    """What workers have found as the journal says, at each resumption."""
    found: list[Set[int]] = []

    def believing(*arguments: Any) -> set[int]:
        found.append(arguments[-1])
        return believe(*arguments)

    monkeypatch.setattr(output, "believe", believing)
    return found


def test_verified_and_resumed(hosts: list[str], folder: Path, seen: list[Set[int]]) -> None:
    """The journal knows both digests of a tile, so what a run left is believed and kept."""
    array = samples((80, 50), "<f4", 9, special=False)
    np.save(folder / "in.npy", array)
    source, target = folder / "in.npy", folder / "out.npy"
    left = left_by(hosts, source, target)
    resumed = filtered(
        blur(), source, target, hosts, tile=(10, 10), resume=True, sampling=Sampling(1.0)
    )
    assert seen == [set(left)]
    assert len(resumed.of(TileKept)) == len(left)
    assert resumed.of(TilesVerified)[0].tiles == 40
    assert_same_bits(np.load(target), ndimage.gaussian_filter(array, 2.0))


def flip(path: Path, index: tuple[int, int]) -> None:
    """Change a bit of the tile's first sample, in a .npy file."""
    with path.open("r+b") as file:
        file.seek(at := 128 + (10 * index[0] * 50 + 10 * index[1]) * 4)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 1]))


def damage_file(target: Path, index: tuple[int, int]) -> None:
    flip(target.with_name(f".{target.name}.partial"), index)


def chunk(target: Path, index: tuple[int, int]) -> Path:
    return target.with_name(f".{target.name}.partial") / "c" / str(index[0]) / str(index[1])


def damage_chunk(target: Path, index: tuple[int, int]) -> None:
    chunk(target, index).write_bytes(b"no chunk")


def remove_chunk(target: Path, index: tuple[int, int]) -> None:
    chunk(target, index).unlink()


DAMAGES: list[Any] = [
    pytest.param(NPY, "none", damage_file, id="one byte of a file"),
    pytest.param(ZARR, "zstd:3", damage_chunk, id="a packed chunk"),
    pytest.param(ZARR, "none", damage_chunk, id="a plain chunk"),
    pytest.param(ZARR, "zstd:3", remove_chunk, id="a chunk that is gone"),
]


@pytest.mark.parametrize(("library", "codec", "damage"), DAMAGES)
def test_damage_is_found_by_workers(
    hosts: list[str],
    folder: Path,
    seen: list[Set[int]],
    library: Library,
    codec: str,
    damage: Callable[[Path, tuple[int, int]], None],
) -> None:
    """The tile is computed again, and no other that was finished."""
    library.require()
    array = samples((80, 50), "<f4", 14, special=False)
    np.save(folder / "in.npy", array)
    source, target = folder / "in.npy", folder / f"out{library.suffix}"
    storing = Storing(chunks=(10, 10), codec=codec) if library is ZARR else Storing()
    left = left_by(hosts, source, target, storing)
    broken = min(left)
    damage(target, divmod(broken, 5))
    told = filtered(blur(), source, target, hosts, tile=(10, 10), resume=True, storing=storing)
    assert seen == [set(left) - {broken}]
    assert {event.tile for event in told.of(TileKept)} == set(left) - {broken}
    assert all_by_reference(told)
    assert_same_bits(native(library.load(target)), ndimage.gaussian_filter(array, 2.0))


@pytest.mark.parametrize("way", ["auto", "never"])
def test_a_chunk_that_is_gone_is_no_fill_value(
    hosts: list[str], folder: Path, seen: list[Set[int]], way: ByReference
) -> None:
    """Though its samples were all the fill value: it is written again, by who resumes."""
    ZARR.require()
    np.save(folder / "in.npy", np.zeros((80, 50), "<f4"))
    source, target, storing = folder / "in.npy", folder / "out.zarr", Storing(chunks=(10, 10))
    left = left_by(hosts, source, target, storing)
    remove_chunk(target, divmod(min(left), 5))
    told = filtered(blur(), source, target, hosts, way, tile=(10, 10), resume=True, storing=storing)
    assert {event.tile for event in told.of(TileKept)} == set(left) - {min(left)}
    assert seen == [set(left) - {min(left)} if way == "auto" else set()]
    assert_same_bits(native(ZARR.load(target)), np.zeros((80, 50), "f4"))


def test_resumed_where_nobody_looks(
    two_workers: list[WorkerProcess], hosts: list[str], folder: Path, seen: list[Set[int]]
) -> None:
    """Without a worker that serves, or if none is to, this machine looks; then all do again."""
    array = samples((80, 50), "<f4", 15, special=False)
    np.save(folder / "in.npy", array)
    source, target = folder / "in.npy", folder / "out.npy"
    left = left_by(hosts, source, target)
    damage_file(target, divmod(min(left), 5))
    others = [worker.address for worker in two_workers]
    for fleet, way in ((hosts, "never"), (others, "auto")):

        def stop(event: object) -> None:
            if isinstance(event, TileStored):
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            filtered(blur(), source, target, fleet, way, (10, 10), hear=stop, resume=True)  # type: ignore[arg-type]
    told = filtered(blur(), source, target, hosts, tile=(10, 10), resume=True)
    assert [bool(each) for each in seen] == [False, False, True]
    assert len(told.of(TileKept)) == len(seen[-1]) > len(left)
    assert_same_bits(np.load(target), ndimage.gaussian_filter(array, 2.0))


def test_another_input_is_found_by_workers(hosts: list[str], folder: Path) -> None:
    """Its size and time are as before; what a finished tile has read is not."""
    array = samples((80, 50), "<f4", 16, special=False)
    np.save(folder / "in.npy", array)
    source, target = folder / "in.npy", folder / "out.npy"
    left = left_by(hosts, source, target)
    status = source.stat()
    flip(source, divmod(min(left), 5))
    os.utime(source, ns=(status.st_atime_ns, status.st_mtime_ns))
    with pytest.raises(InputError, match=r"can't resume: the input changed: tile .* other bytes"):
        filtered(blur(), source, target, hosts, tile=(10, 10), resume=True)


@pytest.mark.filterwarnings("ignore:the token goes to")
def test_next_to_nothing_passes_the_coordinator(
    folder: Path, shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over a cable that counts: fewer bytes than a hundredth of the array, there and back."""
    monkeypatch.setenv("TILEFAN_TOKEN", "0123456789abcdef" * 4)
    array = samples((2048, 2048), "<f8", 11, special=False)
    np.save(folder / "in.npy", array)
    with ExitStack() as stack:
        try:
            name, _ = stack.enter_context(cabled_network())
        except NoNetworkError:
            pytest.skip("no network can be made here")
        within = ("ip", "netns", "exec", name)
        arguments = ("--host", THERE, "--serve-from", str(shared))
        running = running_workers(COUNT, *arguments, within=within, insecure=False)
        workers = stack.enter_context(running)
        addresses = [worker.address for worker in workers]
        before = cable_bytes(name)
        told = filtered(blur(), folder / "in.npy", folder / "out.npy", addresses, "require")
        passed = cable_bytes(name) - before
    assert all_by_reference(told)
    assert len(told.places) == COUNT
    assert 0 < passed < 0.01 * array.nbytes
    assert_same_bits(np.load(folder / "out.npy"), ndimage.gaussian_filter(array, 2.0))


def cable_bytes(namespace: str) -> int:
    """Return how many bytes the devices of a namespace have sent and received so far."""
    command = ["ip", "-n", namespace, "-s", "-j", "link"]
    said = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    counted = [each["stats64"] for each in said if each["ifname"] != "lo"]
    return sum(each[way]["bytes"] for each in counted for way in ("rx", "tx"))


def test_a_forecast_tells_who_reads_by_itself(hosts: list[str], folder: Path) -> None:
    """For each worker, with what it costs in both ways; nothing is left beside the input."""
    array = samples((300, 200), "<f4", 12, special=False)
    np.save(folder / "in.npy", array)
    with running_workers(1, "--threads", "1") as (other,):
        fleet = ",".join([*hosts, other.address])
        forecast = plan_chain(blur(), folder / "in.npy", Placement(fleet))
        assert [share.by_reference for share in forecast.shares] == [True, True, False]
        assert [share.writes for share in forecast.shares] == [True, True, False]
        assert 0 < forecast.passing_back < forecast.bytes_back == array.nbytes
        assert 0 < forecast.passing_there < forecast.bytes_there
        assert forecast.by_bytes_s is not None
        assert forecast.fleet_s is not None
        text = "\n".join(lines(forecast))
        assert [line.endswith(", by reference") for line in worker_lines(text)] == [1, 1, 0]
        assert worker_lines(text)[2].endswith(", as bytes: serves no places: " + REMEDY)
        assert re.search(r"fleet  about .* by reference, about .* as bytes\n", text)
        forecast = plan_chain(blur(), folder / "in.npy", Placement(fleet, by_reference="never"))
        assert [share.by_reference for share in forecast.shares] == [False] * 3
        assert forecast.passing_back == forecast.bytes_back
        assert forecast.by_bytes_s is None
        assert "about" in (text := "\n".join(lines(forecast)))
        assert all("as bytes: by reference is not wanted" in line for line in worker_lines(text))
        forecast = plan_chain(blur(), folder / "in.npy", Placement(fleet, by_reference="require"))
        assert forecast.passing_there == forecast.passing_back == 0
        assert forecast.shares[2].trouble.startswith("not by reference: serves no places")
    assert {path.name for path in folder.iterdir()} == {"in.npy"}


REMEDY = "start it with `worker --serve-from FOLDER`"


def worker_lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith(" worker  ")]


def test_a_forecast_of_chunks(hosts: list[str], folder: Path) -> None:
    """Their folder is offered, and gone afterwards; of other files it is told why not."""
    ZARR.require()
    ZARR.save(folder / "in.zarr", samples((40, 50), "<f4", 17, special=False))
    forecast = plan_chain(blur(), folder / "in.zarr", Placement(",".join(hosts)))
    assert [(share.by_reference, share.writes) for share in forecast.shares] == [(True, True)] * 2
    assert forecast.caveats[-1] == CAVEAT_CHUNKS
    links: list[Link] = [("gaussian_filter", {"sigma": 1}), ("uniform_filter", {"size": 3})]
    staged = plan_chain(links, folder / "in.zarr", Placement(",".join(hosts)))
    assert [share.writes for share in staged.shares] == [False] * 2
    assert [stage.by_bytes_s is None for stage in staged.stages] == [False, True]
    assert staged.stages[1].passing_there == staged.stages[1].bytes_there
    assert {path.name for path in folder.iterdir()} == {"in.zarr"}


@pytest.mark.parametrize(
    ("name", "storing"),
    [
        ("out.ome.zarr", Storing(chunks=(10, 25))),
        ("out.zarr", Storing(chunks=(5, 5), shards=(20, 25))),
        ("out.zarr", Storing(chunks=(10, 25), codec="zstd:3")),
        ("out.zarr", Storing(chunks=(7, 11), codec="none")),
    ],
    ids=["OME", "shards", "packed", "plain, cut at the edges"],
)
def test_chunks_of_all_kinds(hosts: list[str], folder: Path, name: str, storing: Storing) -> None:
    """In an image's group, in shards, packed or not; and such an array is read so again."""
    ZARR.require()
    array = samples((43, 50), "<f4", 13, special=False)
    np.save(folder / "in.npy", array)
    target = folder / name
    for source, made in ((folder / "in.npy", target), (target, folder / f"again.{name}")):
        told = filtered(blur(1.0), source, made, hosts, storing=storing)
        assert all_by_reference(told)
        array = ndimage.gaussian_filter(array, 1.0)
        assert_same_bits(np.asarray(open_place(made).array), array)
    left = [path for path in folder.rglob("*") if path.name.endswith("__lock")]
    assert left == [path for path in folder.iterdir() if path.name.startswith(".")] == []
