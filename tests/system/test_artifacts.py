"""Report, trace and provenance of real runs; the report in a real browser."""

from __future__ import annotations

import json
import os
import re
import struct
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from coordinator.report.provenance import mark, provenance_path
from coordinator.workflows.inspect_files import show_file
from tests.coordinator.cli.test_cli import coord, refused
from tests.coordinator.report.test_provenance import KNOWN
from tests.support.browser import BROWSER, browse, photograph
from tests.support.processes import WorkerProcess
from tiling.probes.digests import expected

ARTEFACTS = Path(os.environ.get("TILEFAN_ARTEFACTS", Path(__file__).parents[2] / "build"))
"""Where the pictures of the report stay, for people to look at."""

WINDOWS = {"wide": (1280, 3600), "phone": (390, 6000)}


@pytest.fixture
def folder(tmp_path: Path, two_workers: list[WorkerProcess]) -> Path:
    np.save(tmp_path / "in.npy", np.arange(240 * 200 * 3, dtype="i4").reshape(240, 200, 3))
    addresses = [*(worker.address for worker in two_workers), "127.0.0.1:1"]
    (tmp_path / "hosts.toml").write_text(f"hosts = {addresses}".replace("'", '"'))
    return tmp_path


def run(folder: Path, *options: str) -> list[dict[str, Any]]:
    """Blur with report, trace and provenance; return the events."""
    done = coord(
        folder, "blur", "in.npy", "-o", "out.npy", "--sigma", "2", "--tile", "40,50,3",
        "--hosts", "hosts.toml", "--report", "run.html", "--trace", "run.json", "--provenance",
        "--seams", "--progress", "json", *options,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_artifacts_agree_with_the_events(folder: Path) -> None:
    """The page, the trace and the provenance agree with the events."""
    events = run(folder)
    stored = Counter(each["worker"] for each in events if each["event"] == "TileStored")
    known = json.loads((folder / "out.npy.json").read_text())
    runs: Counter[str] = Counter()
    for worker, tiles in known["makers"]:
        runs[worker] += tiles
    assert runs == stored
    assert sum(stored.values()) == 24
    assert known["command"].startswith("coord ")
    assert all(known["workers"][name]["kernel"] for name in stored)
    probe = "int32-int32-reflect"
    assert all(known["proofs"][name] == {probe: expected()[probe]} for name in stored)
    page = (folder / "run.html").read_text()
    assert known["output"]["digest"] in page
    assert f"{probe} {expected()[probe]}" in page
    for worker, tiles in stored.items():
        assert f'data-worker="{worker}" data-tiles="{tiles}"' in page
    answers = [each for each in events if each["event"] == "TileAnswered"]
    assert all(each["computing_s"] > 0 and each["waiting_s"] >= 0 for each in answers)
    rows = json.loads((folder / "run.json").read_text())["traceEvents"]
    assert sum(row["name"] == "computing" for row in rows) == len(stored_once(events))
    sent = sum(each["event"] == "TileSent" for each in events)
    assert sum(row["ph"] == "X" and row["name"].startswith("tile ") for row in rows) == sent


def stored_once(events: list[dict[str, Any]]) -> set[int]:
    """Return the tiles that the run stored."""
    return {each["tile"] for each in events if each["event"] == "TileStored"}


@pytest.mark.skipif(BROWSER is None, reason="there is no Chromium here; CI installs it")
def test_in_a_browser(folder: Path) -> None:
    """The browser shows the events' numbers, complains of nothing and asks for nothing."""
    events = run(folder)
    log = folder / "net.json"
    shown = browse(folder / "run.html", f"--log-net-log={log}", "--dump-dom")
    assert "CONSOLE" not in shown.stderr
    # Chromium asks its makers for updates by itself; what a page asks for has an origin.
    assert set(re.findall(r'"initiator":"([^"]*)"', log.read_text())) <= {"not an origin"}
    values = dict(re.findall(r'id="(\w+)" data-value="([^"]*)"', shown.stdout))
    assert values["tiles"] == values["stored"] == "24"
    written = sum(each["bytes_out"] for each in events if each["event"] == "TileStored")
    assert values["bytes"] == str(written)
    finished = next(event for event in events if event["event"] == "RunFinished")
    assert float(values["seconds"]) == pytest.approx(finished["time_s"], abs=0.05)
    ARTEFACTS.mkdir(exist_ok=True)
    for name, size in WINDOWS.items():
        picture = ARTEFACTS / f"report-{name}.png"
        photograph(folder / "run.html", picture, *size)
        data = picture.read_bytes()
        assert data.startswith(b"\x89PNG")
        assert struct.unpack(">II", data[16:24]) == size


def test_a_run_that_fails_has_a_report(folder: Path) -> None:
    """No worker answers: the page says why, and there is no provenance."""
    (folder / "hosts.toml").write_text('hosts = ["127.0.0.1:1"]')
    options = ["--hosts", "hosts.toml", "--report", "run.html", "--provenance", "-q"]
    assert coord(folder, "blur", "in.npy", *options).returncode == 3
    page = (folder / "run.html").read_text()
    assert "127.0.0.1:1 lost: connection refused" in page
    assert not (folder / "in.blur.npy.json").exists()


@pytest.mark.parametrize("path", ["none/run.html", ".", "in.npy"])
def test_a_report_that_cannot_be_written(folder: Path, path: str) -> None:
    """Refused before the run: a report replaces a report, and no other file."""
    before = (folder / "in.npy").read_bytes()
    done = coord(folder, "blur", "in.npy", "--report", path, "-q")
    refused(done, 2, path)
    assert not (folder / "in.blur.npy").exists()
    assert (folder / "in.npy").read_bytes() == before


def test_artifacts_are_replaced(folder: Path) -> None:
    """Those of an older run, but a file of another kind beside the output is left alone."""
    run(folder)
    run(folder, "--overwrite")
    (folder / "out.npy.json").write_text('{"mine": 1}')
    done = coord(folder, "blur", "in.npy", "-o", "out.npy", "--overwrite", "--provenance")
    refused(done, 2, "out.npy.json: is something else already")


def test_provenance_comes_unasked(folder: Path) -> None:
    """Beside every output, in the way of nothing; a flag or a variable switches it off."""
    path = folder / "in.blur.npy.json"
    assert coord(folder, "blur", "in.npy", "--no-provenance", "-q").returncode == 0
    assert not path.exists()
    assert coord(folder, "blur", "in.npy", "--overwrite", "-q").returncode == 0
    known = json.loads(path.read_text())
    assert known["workers"]["this machine"]["kernel"]
    assert sum(tiles for _, tiles in known["makers"]) > 0
    assert coord(folder, "show", "in.blur.npy").returncode == 0
    path.write_text("my own")
    done = coord(folder, "blur", "in.npy", "--overwrite", "-q")
    assert done.returncode == 0
    assert "no provenance: in.blur.npy.json: is something else" in done.stderr
    assert path.read_text() == "my own"


def test_digests_of_large_files_are_not_taken_unasked(tmp_path: Path) -> None:
    """A file beyond the limit is known by its size, and whether it is intact is not."""
    np.save(tmp_path / "a.npy", np.zeros(100))
    assert mark(tmp_path / "a.npy", 928) == mark(tmp_path / "a.npy")
    assert mark(tmp_path / "a.npy", 927) == replace(mark(tmp_path / "a.npy"), digest="")
    known = replace(KNOWN, output=mark(tmp_path / "a.npy", 0))
    provenance_path(tmp_path / "a.npy").write_text(known.encode())
    assert show_file(tmp_path / "a.npy") == (known, None)
    np.save(tmp_path / "a.npy", np.zeros(101))
    assert show_file(tmp_path / "a.npy") == (known, False)


def test_show_and_preview_and_diff(folder: Path) -> None:
    """Provenance tells of the output, the seams in pictures, and the tiles of a difference."""
    run(folder)
    shown = coord(folder, "show", "out.npy")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "intact  yes" in shown.stdout
    assert "gaussian_filter sigma=2.0" in shown.stdout
    assert coord(folder, "preview", "in.npy", "out.npy", "-o", "p.png").stdout.startswith(
        "wrote p.png ("
    )
    assert (folder / "p.png").read_bytes().startswith(b"\x89PNG")
    np.save(folder / "same.npy", np.load(folder / "out.npy"))
    array = np.load(folder / "out.npy", mmap_mode="r+")
    array[40, 49, 0] += 1
    array.flush()
    del array
    changed = coord(folder, "show", "out.npy")
    assert changed.returncode == 5
    assert "intact  NO" in changed.stdout
    found = coord(folder, "diff", "out.npy", "same.npy")
    assert found.returncode == 5
    assert "in 1 of 24 tiles: tile 4 at (40, 0, 0) (1)" in found.stdout
    assert "axis 0 at 40 (1)" in found.stdout
    assert "axis 1 at 50 (1)" in found.stdout


def test_nothing_is_known(folder: Path) -> None:
    """No provenance, or what is none, is named with what would help."""
    refused(coord(folder, "show", "in.npy"), 2, "--no-provenance")
    for text in ("{", "[]", '{"kind": "tilefan provenance", "version": 1}', "x" * 100):
        (folder / "in.npy.json").write_text(text)
        refused(coord(folder, "show", "in.npy"), 2, "in.npy.json")
    np.save(folder / "other.npy", np.zeros(3))
    refused(coord(folder, "preview", "in.npy", "other.npy", "-o", "p.png"), 2, "one shape")
