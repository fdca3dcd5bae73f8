"""Signals to a real coordinator: what is finished is kept, and how to go on is the last line."""

from __future__ import annotations

import shlex
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from tests.support.coordinators import coord, running_coord, tiles_in
from tests.support.equality import assert_same_bits
from tests.support.processes import WorkerProcess

AT_ONCE_S = 30.0
"""Far more than the two seconds that are promised, far less than the tiles in hand take."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    np.save(tmp_path / "in.npy", np.random.default_rng(3).random((600, 500)))
    return tmp_path


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["Ctrl-C", "SIGTERM"]
)
@pytest.mark.parametrize("where", ["here", "fleet"])
def test_a_signal_keeps_what_is_finished(
    folder: Path, two_workers: list[WorkerProcess], number: signal.Signals, code: int, where: str
) -> None:
    """The line that the message ends with goes on with the run, to SciPy's bits."""
    (folder / "hosts.toml").write_text(f"hosts = {[w.address for w in two_workers]}")
    fleet = ["--hosts", "hosts.toml"] if where == "fleet" else []
    target = folder / "out put.npy"
    arguments = ["blur", "in.npy", "-o", target.name, "--sigma", "8", "--tile", "20", *fleet]
    with running_coord(folder, *arguments) as running:
        running.wait_for_tiles(target, 3)
        running.send(number)
        ended, said = running.end(AT_ONCE_S)
    kept = tiles_in(target)
    assert (ended, 3 <= kept <= 750) == (code, True), said
    message, line = said.rstrip().rsplit("\n", 1)
    assert message.endswith(f"coord: interrupted\n{kept} of 750 tiles are kept; go on with:")
    command = shlex.split(line)
    assert command[1:] == ["-m", "coordinator", *arguments, "--resume"]
    again = [sys.executable, *command[1:]]
    done = subprocess.run(
        again, cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert f"{kept:,} tiles kept from an unfinished run" in done.stderr
    assert_same_bits(np.load(target), gaussian_filter(np.load(folder / "in.npy"), 8))
    assert sorted(path.name for path in folder.glob("*out*")) == [
        target.name,
        f"{target.name}.json",
    ]


ENDLESS = ("blur", "in.npy", "-o", "out.npy", "--radius", "200000", "--sigma", "20000")
"""A tile of this takes minutes, in one call into C."""


@pytest.mark.parametrize("signals", [1, 2])
def test_a_tile_in_hand_is_not_waited_for(folder: Path, signals: int) -> None:
    """Nothing was finished, so nothing is left; a second signal asks for no good order."""
    with running_coord(folder, *ENDLESS, "--progress", "json") as running:
        running.wait_for_journal(folder / "out.npy")
        for _ in range(signals):
            running.send(signal.SIGINT)
        ended, _ = running.end(AT_ONCE_S)
    assert ended == 130
    assert signals == 2 or list(folder.iterdir()) == [folder / "in.npy"]


def test_what_a_second_coordinator_is_told(folder: Path) -> None:
    """Exit code 7, in one sentence, and the first one goes on."""
    with running_coord(folder, *ENDLESS) as running:
        running.wait_for_journal(folder / "out.npy")
        for option in ("--resume", "--overwrite", "--quiet"):
            ended, said = coord(folder, "blur", "in.npy", "-o", "out.npy", option)
            assert (ended, said) == (
                7,
                "coord: out.npy: another coordinator is writing it; wait for it to end\n",
            )
        assert running.process.poll() is None
