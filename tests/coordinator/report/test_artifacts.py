"""Files beside an output, and the end of a run when one of them can't be written."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from coordinator.errors import ExitCode, StoreError, TileFailedError
from coordinator.report.artifacts import Artifacts
from tests.coordinator.run.cut_short import SIGMA, TILES, Watched, Workbench
from tests.support.equality import assert_same_bits


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workbench:
    (tmp_path / "reports").mkdir()
    return Workbench(tmp_path, monkeypatch)


def asked(bench: Workbench) -> Artifacts:
    """Report and trace in a folder that `remove` takes away."""
    folder = bench.source.parent / "reports"
    return Artifacts(folder / "run.html", folder / "run.json", provenance=True)


def remove(bench: Workbench) -> None:
    shutil.rmtree(bench.source.parent / "reports")


def interrupt() -> None:
    raise KeyboardInterrupt


def fail() -> None:
    raise TileFailedError("tile 3 failed everywhere")


@pytest.mark.parametrize("act", [interrupt, fail], ids=["Ctrl-C", "a tile failed"])
def test_the_runs_own_end_wins(bench: Workbench, act: Callable[[], None]) -> None:
    """A report that can't be written is a warning beside the error and its line to go on."""

    def end() -> None:
        remove(bench)
        act()

    with (
        pytest.warns(RuntimeWarning, match=r"run\.(html|json): can't be written") as warned,
        pytest.raises((KeyboardInterrupt, TileFailedError)) as caught,
    ):
        bench.blur(Watched(3, end), artifacts=asked(bench))
    assert len(warned) == 2
    assert caught.value.__notes__ == [
        "3 of 8 tiles are kept; go on with:\n  coord blur in.npy --resume"
    ]


def test_a_run_that_succeeds_ends_with_the_file_it_lacks(bench: Workbench) -> None:
    """Exit code 7, for the report was asked for; the output and all other files are there."""
    with (
        pytest.raises(StoreError, match=r"run\.json: can't be written") as caught,
        pytest.warns(RuntimeWarning, match=r"run\.html: can't be written"),
    ):
        bench.blur(Watched(TILES, lambda: remove(bench)), artifacts=asked(bench))
    assert caught.value.exit_code is ExitCode.STORE
    assert bench.left == {"out.npy", "out.npy.json"}
    assert_same_bits(np.load(bench.target), gaussian_filter(np.load(bench.source), SIGMA))


def test_provenance_in_the_way_of_another_file(bench: Workbench) -> None:
    """What appeared at its place during the run is left alone, and the run says so: exit code 7."""
    path = bench.target.with_name("out.npy.json")
    with pytest.raises(StoreError, match="is something else already"):
        bench.blur(Watched(3, lambda: path.write_text("mine") and None), artifacts=asked(bench))
    assert path.read_text() == "mine"
    assert (bench.source.parent / "reports" / "run.html").exists()
