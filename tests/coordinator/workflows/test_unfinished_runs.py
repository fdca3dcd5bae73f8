"""What runs that were cut short leave is listed, and removed on request only."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.coordinator.cli.test_cli import coord
from tests.coordinator.run.cut_short import TILES, Watched, Workbench


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workbench:
    return Workbench(tmp_path, monkeypatch)


def test_a_run_is_listed_until_it_is_done(bench: Workbench) -> None:
    """With its tiles; what is listed can be resumed, and is not listed afterwards."""
    folder = bench.target.parent
    assert "no run was cut short" in coord(folder, "runs").stdout
    bench.die(3)
    assert coord(folder, "runs").stdout.startswith(f"out.npy: 3 of {TILES} tiles, ")
    (facts,) = json.loads(coord(folder.parent, "runs", "out", "--json").stdout)
    assert (facts["output"], facts["finished"], facts["tiles"]) == ("out/out.npy", 3, TILES)
    assert len(bench.blur(resume=True).sent) == TILES - 3
    assert "no run was cut short" in coord(folder, "runs").stdout


def test_what_is_left_is_removed_on_request(bench: Workbench) -> None:
    """Nothing else is, and a journal that makes no sense goes too."""
    folder = bench.target.parent
    (folder / "mine.txt").write_text("mine")
    (folder / ".other.npy.journal").write_text("nonsense")
    (folder / ".other.npy.partial").write_text("nonsense")
    bench.die(3)
    said = coord(folder, "runs", "--remove").stdout
    assert said.count("removed\n") == 2
    assert {path.name for path in folder.iterdir()} == {"mine.txt"}


def test_a_run_that_goes_on_is_left_alone(bench: Workbench) -> None:
    """Another coordinator has its lock."""
    said: list[str] = []

    def look() -> None:
        said.append(coord(bench.target.parent, "runs", "--remove").stdout)

    bench.blur(Watched(2, look))
    assert said == ["out.npy: another coordinator is writing it; wait for it to end\n"]
    assert bench.left == {"out.npy"}


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    """A sentence, and exit 2."""
    done = coord(tmp_path, "runs", "none")
    assert (done.returncode, "none: no such folder" in done.stderr) == (2, True)
