"""`coord plan` and `--dry-run`, alone and with real workers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from coordinator.run.pipeline_file import load_pipeline
from coordinator.workflows.plan_file import plan_chain
from coordinator.workflows.run_options import Placement
from tests.coordinator.cli.test_cli import contents, coord, refused
from tests.support.processes import WorkerProcess


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    np.save(tmp_path / "in.npy", np.arange(300 * 200, dtype="i4").reshape(300, 200))
    return tmp_path


def test_a_small_array_stays_here(folder: Path, two_workers: list[WorkerProcess]) -> None:
    """Every worker is measured, the array is too small to be sent, and nothing is written."""
    addresses = [worker.address for worker in two_workers]
    text = f"hosts = {[*addresses, '127.0.0.1:1']}".replace("'", '"')
    (folder / "hosts.toml").write_text(text)
    before = contents(folder)
    options = ["in.npy", "--sigma", "1", "--hosts", "hosts.toml"]
    said = json.loads(coord(folder, "plan", *options, "--json").stdout)
    assert said["version"] == 1
    assert [share["worker"] for share in said["shares"]] == [*addresses, "127.0.0.1:1"]
    assert [bool(share["trouble"]) for share in said["shares"]] == [False, False, True]
    assert sum(share["tiles"] for share in said["shares"]) == pytest.approx(said["tiles"])
    assert said["bytes_back"] == 300 * 200 * 4 <= said["bytes_there"]
    assert said["fleet_s"] > min(share["round_trip_s"] for share in said["shares"][:2]) > 0
    assert "too small to be worth sending: run it here" in said["verdict"]
    done = coord(folder, "blur", *options, "--dry-run")
    assert done.returncode == 0
    assert done.stderr == "coord: measuring what some tiles take here and at the workers\n"
    assert "127.0.0.1:1: can't be used: connection refused" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("verdict  this array is too small")
    assert contents(folder) == before


def test_the_output_that_is_named(folder: Path) -> None:
    """Tiles are made of its chunks, and what a run would refuse is refused."""
    pytest.importorskip("tensorstore")
    before = contents(folder)
    options = ["--chunks", "90,70", "--dry-run", "--json", "-o"]
    said = json.loads(coord(folder, "blur", "in.npy", *options, "out.zarr").stdout)
    for length, chunk, whole in zip(said["tile"], (90, 70), (300, 200), strict=True):
        assert length % chunk == 0 or length == whole
    refused(coord(folder, "blur", "in.npy", *options, "out.npy"), 2, "are for zarr outputs")
    refused(coord(folder, "blur", "in.npy", "--dry-run", "-o", "out.gif"), 2, "write -o out.npy")
    assert contents(folder) == before


@pytest.mark.parametrize("option", [(), ("--json",)], ids=["words", "json"])
def test_a_fleet_of_which_nobody_can_be_used(folder: Path, option: tuple[str, ...]) -> None:
    """The plan is printed, and its exit code is that of the run."""
    done = coord(folder, "plan", "in.npy", "--hosts", "127.0.0.1:1", *option)
    assert done.returncode == 3
    assert "connection refused" in done.stdout
    assert "no usable worker" in done.stderr


def test_the_choice_and_what_it_beat(folder: Path) -> None:
    """In words and in JSON; the time is that of the whole command."""
    np.save(folder / "big.npy", np.zeros((2000, 2000), "f4"))
    said = json.loads(coord(folder, "plan", "big.npy", "--sigma", "8", "--json").stdout)
    (stage,) = said["stages"]
    assert len(stage["alternatives"]) > 1
    assert stage["model_s"] > 0
    assert said["here_s"] == pytest.approx(said["start_s"] + stage["here_s"] + said["finish_s"])
    assert said["start_s"] > 0.02
    text = coord(folder, "plan", "big.npy", "--sigma", "8").stdout
    (beaten,) = (line for line in text.splitlines() if line.startswith("   beat  "))
    assert stage["alternatives"][0] in beaten
    assert "until the first stage, imports included" in text
    assert [path.name for path in sorted(folder.iterdir())] == ["big.npy", "in.npy"]


def test_memory(folder: Path) -> None:
    """A bound is kept by smaller tiles, or refused; `blur` does the same."""
    np.save(folder / "big.npy", np.zeros((4000, 2000), "f4"))
    free = json.loads(coord(folder, "plan", "big.npy", "--json").stdout)
    limit = f"{free['coordinator_bytes'] - 15_000_000}B"
    bound = json.loads(coord(folder, "plan", "big.npy", "--json", "--max-memory", limit).stdout)
    assert bound["tiles"] > free["tiles"]
    assert bound["coordinator_bytes"] <= int(limit[:-1])
    for command in ("plan", "blur"):
        done = coord(folder, command, "big.npy", "--max-memory", "50MB")
        refused(done, 2, "50.0 MB do not suffice: the smallest tiles need")
    assert coord(folder, "blur", "big.npy", "--max-memory", limit, "-q").returncode == 0


PIPELINE = """
[[filters]]
name = "uniform_filter"
size = 5
[[filters]]
name = "gaussian_gradient_magnitude"
sigma = 1
"""


@pytest.mark.parametrize("where", ["here", "fleet"])
def test_all_stages_are_told(folder: Path, two_workers: list[WorkerProcess], where: str) -> None:
    """The tiles and bytes of the stages are those that a run then says it has."""
    np.save(folder / "in.npy", np.ones((300, 200), "f4"))
    (folder / "run.toml").write_text(PIPELINE)
    addresses = [worker.address for worker in two_workers]
    (folder / "hosts.toml").write_text(f"hosts = {addresses}".replace("'", '"'))
    hosts = str(folder / "hosts.toml") if where == "fleet" else None
    links = load_pipeline(folder / "run.toml")
    forecast = plan_chain(links, folder / "in.npy", Placement(hosts))
    fleet = ["--hosts", "hosts.toml"] if hosts else []
    done = coord(folder, "run", "run.toml", "in.npy", *fleet, "--progress", "json")
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    told = [event for event in events if event["event"] in {"RunStarted", "StageStarted"}]
    assert [event["event"] for event in told] == ["RunStarted", *["StageStarted"] * (len(told) - 1)]
    assert len(told) == told[0]["stages"] == len(forecast.stages)
    pairs = [
        (event, stage) for event, stage in zip(told, forecast.stages, strict=True) if stage.tiles
    ]
    started, cut = [event for event, _ in pairs], [stage for _, stage in pairs]
    assert len(cut) > 2
    for event, stage in pairs:
        said = (event["tiles"], tuple(event["tile_shape"]), event["bytes_in"], event["bytes_out"])
        assert said == (stage.tiles, stage.tile, stage.bytes_there, stage.bytes_back)
    assert forecast.tiles == sum(event["tiles"] for event in started)
    assert forecast.bytes_there == sum(event["bytes_in"] for event in started)
    assert sum(share.tiles for share in forecast.shares) == pytest.approx(forecast.tiles)
    besides_s = forecast.start_s + forecast.finish_s
    stages_s = sum(stage.here_s for stage in forecast.stages)
    assert forecast.here_s == pytest.approx(besides_s + stages_s)
    assert (forecast.fleet_s is None) == (where == "here")
    assert forecast.between_bytes >= 2 * 300 * 200 * 4
    dry = coord(folder, "run", "run.toml", "in.npy", *fleet, "--dry-run")
    assert f"stages  {len(forecast.stages)}, one after another" in dry.stdout
    assert "sample by sample, of 2 arrays" in dry.stdout


@pytest.mark.parametrize("size", ["many", "5 fish", "-1", "iB"])
def test_no_size(folder: Path, size: str) -> None:
    """What is no size is refused by name."""
    done = coord(folder, "plan", "in.npy", f"--max-memory={size}")
    assert done.returncode == 2
    assert "--max-memory" in done.stderr


@pytest.mark.parametrize("size", ["1", "1MB", "85MB"])
def test_a_fleet_within_too_little_memory(
    folder: Path, two_workers: list[WorkerProcess], size: str
) -> None:
    """The least that would do is named, as without a fleet."""
    hosts = [worker.address for worker in two_workers]
    (folder / "hosts.toml").write_text(f"hosts = {hosts}\n".replace("'", '"'))
    arguments = ("in.npy", "--max-memory", size, "--hosts", "hosts.toml")
    ended = coord(folder, "blur", *arguments)
    assert ended.returncode in (0, 2), ended.stderr
    assert ended.returncode == 0 or "do not suffice" in ended.stderr
