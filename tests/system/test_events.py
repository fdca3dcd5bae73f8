"""`--progress json` and the report of a real run in which a worker is killed."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from coordinator.display.json_lines import VERSION, event_schema
from tests.coordinator.display.test_listener import accepts
from tests.support.equality import assert_same_bits
from tests.support.processes import WorkerProcess, running_workers

IMAGE = np.random.default_rng(7).integers(0, 255, (400, 300, 3), "i4")
TILES = 20 * 15
SEEN = 20
"""Tiles that the worker has stored when it is killed."""

Events = list[dict[str, Any]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("events")


@pytest.fixture(scope="module")
def run_with_a_loss(folder: Path) -> tuple[str, Events]:
    """Run over two workers, kill one half-way; return its name, and all that was told."""
    with running_workers(2) as workers:
        np.save(folder / "in.npy", IMAGE)
        addresses = [worker.address for worker in workers]
        (folder / "hosts.toml").write_text(f"hosts = {addresses}".replace("'", '"'))
        return workers[0].address, watched(folder, workers[0])


def watched(folder: Path, worker_process: WorkerProcess) -> Events:
    command = [sys.executable, "-m", "coordinator", "blur", "in.npy", "-o", "out.npy"]
    command += ["--sigma", "6,6,0", "--tile", "20,20,3", "--hosts", "hosts.toml"]
    command += ["--progress", "json", "--report", "run.html"]
    events, stored = [], 0
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            events.append(json.loads(line))
            kind, worker = events[-1]["event"], events[-1].get("worker")
            stored += (kind, worker) == ("TileStored", worker_process.address)
            if stored == SEEN:
                worker_process.send(signal.SIGKILL)
                worker_process.wait()
                stored += 1
    assert process.returncode == 0
    return events


def test_every_line_is_what_the_schema_says(run_with_a_loss: tuple[str, Events]) -> None:
    """Each line is valid as one event and no other, in the order of time."""
    schemas = event_schema()["oneOf"]
    for line in run_with_a_loss[1]:
        assert [each["title"] for each in schemas if accepts(each, line)] == [line["event"]]
        assert line["version"] == VERSION
    times_s = [line["time_s"] for line in run_with_a_loss[1]]
    assert times_s == sorted(times_s)


def test_the_loss_is_told(run_with_a_loss: tuple[str, Events], folder: Path) -> None:
    """Its tiles fail and go to the other worker, it is lost, and the bits are SciPy's."""
    lost, events = run_with_a_loss
    kinds = Counter(each["event"] for each in events if each.get("worker") == lost)
    assert kinds["TileFailed"] + kinds["WorkerLost"] > 0
    assert SEEN <= kinds["TileStored"] < TILES
    tiles = [each["tile"] for each in events if each["event"] == "TileStored"]
    assert sorted(tiles) == list(range(TILES))
    *_, finished, written = events
    assert (finished["event"], finished["error"]) == ("RunFinished", None)
    assert (written["event"], written["path"]) == ("OutputWritten", "out.npy")
    assert written["beside"] == [["report", "run.html"]]
    assert_same_bits(np.load(folder / "out.npy"), ndimage.gaussian_filter(IMAGE, (6, 6, 0)))


def test_the_reports_numbers_are_the_events(
    run_with_a_loss: tuple[str, Events], folder: Path
) -> None:
    """What is counted, by all and by each worker, and what each spent computing."""
    page, events = (folder / "run.html").read_text(), run_with_a_loss[1]
    told = defaultdict(list)
    for event in events:
        told[event["event"]].append(event)
    failed = [each for each in told["TileFailed"] if each["kind"] != "busy"]
    shown = dict(re.findall(r'id="(\w+)" data-value="([^"]*)"', page))
    assert int(shown["tiles"]) == int(shown["stored"]) == TILES
    assert int(shown["bytes"]) == sum(each["bytes_out"] for each in told["TileStored"])
    assert int(shown["retries"]) == len(failed)
    assert int(shown["hedges"]) == sum(each["hedge"] for each in told["TileSent"])
    assert float(shown["seconds"]) == pytest.approx(told["RunFinished"][0]["time_s"], abs=1e-4)
    rows = re.findall(r'<tr data-worker="([^"]*)" data-tiles="(\d+)" data-failed="(\d+)">', page)
    stored = Counter(each["worker"] for each in told["TileStored"])
    assert {name: int(tiles) for name, tiles, _ in rows if int(tiles)} == stored
    assert {name: int(n) for name, _, n in rows if int(n)} == Counter(x["worker"] for x in failed)
    spent_s = re.findall(r'data-kind="computing" data-value="([\d.]+)"', page)
    assert sum(map(float, spent_s)) == pytest.approx(computed_s(told), abs=1e-5)


def computed_s(told: dict[str, Events]) -> float:
    """Sum what the answers that were stored say of computing, but for hedges, drawn as such."""
    hedges = {(each["tile"], each["attempt"]) for each in told["TileSent"] if each["hedge"]}
    makers = {each["tile"]: each["worker"] for each in told["TileStored"]}
    return sum(
        each["computing_s"]
        for each in told["TileAnswered"]
        if makers[each["tile"]] == each["worker"] and (each["tile"], each["attempt"]) not in hedges
    )
