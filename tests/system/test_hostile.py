"""Workers that mean harm: nothing wrong is stitched, they are left out, and words stay words."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from coordinator import Fleet
from coordinator.engines.http.client import MAX_WORDS, shown
from coordinator.errors import TilefanError
from coordinator.events import (
    Event,
    TileAnswered,
    TileFailed,
    TileStored,
    WorkerEjected,
    WorkerLost,
)
from coordinator.text import inert
from tests.support import hostile_worker as misdeeds
from tests.support.equality import assert_same_bits
from tests.support.hostile_worker import EVIL, MISDEEDS, Misdeed, hostile_worker
from tests.support.processes import WorkerProcess
from tests.support.worker_in_thread import worker_thread
from tiling.kernels import reference

IMAGE = np.random.default_rng(11).standard_normal((64, 96))
WANT = ndimage.gaussian_filter(IMAGE, 2.0)

each_misdeed = pytest.mark.parametrize("misdeed", MISDEEDS, ids=lambda misdeed: misdeed.__name__)


class Ear:
    """Remembers what was told."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.heard: list[Event] = []
        self.ejected = threading.Event()

    def __call__(self, _: float, event: Event) -> None:
        if isinstance(event, WorkerEjected | WorkerLost):
            self.ejected.set()
        with self._lock:
            self.heard.append(event)


@each_misdeed
def test_nothing_wrong_is_stitched(misdeed: Misdeed) -> None:
    """Beside an honest worker, which waits until the other is left out, the bits are right."""
    ear = Ear()

    def patient(block: Any, passes: Any, crop: Any, out: Any) -> None:
        assert out.ndim != IMAGE.ndim or ear.ejected.wait(60)  # probes have another rank
        reference.run(block, passes, crop, out)

    with worker_thread(patient) as honest, hostile_worker(misdeed) as evil:
        with Fleet([evil.address, honest], listen=ear) as fleet:
            assert_same_bits(fleet.gaussian_filter(IMAGE, 2.0, tile=16), WANT)
        assert "/elsewhere" not in evil.paths
    assert {e.worker for e in ear.heard if isinstance(e, TileStored)} == {honest}
    assert {e.worker for e in ear.heard if isinstance(e, TileFailed)} == {evil.address}
    gone = [event for event in ear.heard if isinstance(event, WorkerEjected | WorkerLost)]
    assert {event.worker for event in gone} == {evil.address}


@each_misdeed
def test_alone_it_is_named(misdeed: Misdeed) -> None:
    """Without an honest worker the run ends, with a sentence that can be shown."""
    ear = Ear()
    with (
        hostile_worker(misdeed) as evil,
        Fleet([evil.address], listen=ear) as fleet,
        pytest.raises(TilefanError) as caught,
    ):
        fleet.gaussian_filter(IMAGE[:4, :4], 2.0)
    assert caught.value.exit_code == 4
    assert evil.address in str(caught.value)
    assert str(caught.value).replace("\n", "").isprintable()
    failures = [event for event in ear.heard if isinstance(event, TileFailed)]
    assert failures
    assert all(event.reason.isprintable() for event in failures)
    assert all(len(event.reason.encode()) <= MAX_WORDS + 100 for event in failures)
    assert not any(isinstance(event, TileStored) for event in ear.heard)


def test_one_that_drips_is_overtaken(two_workers: list[WorkerProcess]) -> None:
    """A body that never ends holds up no run: its tile is sent to another worker as well."""
    ear = Ear()
    honest = two_workers[0].address
    with (
        hostile_worker(misdeeds.drip) as evil,
        Fleet([evil.address, honest], listen=ear) as fleet,
    ):
        assert_same_bits(fleet.gaussian_filter(IMAGE, 2.0, tile=16), WANT)
    assert {event.worker for event in ear.heard if isinstance(event, TileStored)} == {honest}


def test_what_follows_an_answer_belongs_to_no_tile(two_workers: list[WorkerProcess]) -> None:
    """Bytes after the announced ones are never read into another answer."""
    honest = two_workers[0].address
    with hostile_worker(misdeeds.endless) as evil, Fleet([evil.address, honest]) as fleet:
        assert_same_bits(fleet.gaussian_filter(IMAGE, 2.0, tile=16), WANT)


def test_a_boaster_is_not_believed() -> None:
    """An answer that says more time than there was counts, and what it says does not."""
    ear = Ear()
    with hostile_worker(misdeeds.boast) as evil, Fleet([evil.address], listen=ear) as fleet:
        assert_same_bits(fleet.gaussian_filter(IMAGE, 2.0, tile=32), WANT)
    answers = [event for event in ear.heard if isinstance(event, TileAnswered)]
    assert len(answers) == 6
    assert {(each.computing_s, each.waiting_s) for each in answers} == {(None, None)}


def test_one_ulp_is_what_verify_finds(tmp_path: Path) -> None:
    """A liar who passes every probe and signs his bits is found by --verify, and only so."""
    np.save(tmp_path / "in.npy", IMAGE)
    with hostile_worker(misdeeds.one_ulp_more) as evil:
        (tmp_path / "hosts.toml").write_text(f'hosts = ["{evil.address}"]')
        command = [sys.executable, "-m", "coordinator", "blur", "in.npy", "--sigma", "2"]
        command += ["--hosts", "hosts.toml", "--tile", "16", "--verify", "2%"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 5, done.stderr
    assert f"tile 0, computed by {evil.address}, is not SciPy's: first at (0, 0)" in done.stderr
    assert not (tmp_path / "in.blur.npy").exists()


@pytest.mark.parametrize("style", ["rich", "plain", "json"])
def test_loud_words_are_shown_inert(style: str, tmp_path: Path) -> None:
    """No escape sequence and no markup of a worker's reaches the terminal."""
    np.save(tmp_path / "in.npy", IMAGE[:4, :4])
    with hostile_worker(misdeeds.loud) as evil:
        (tmp_path / "hosts.toml").write_text(f'hosts = ["{evil.address}"]')
        command = [sys.executable, "-m", "coordinator", "blur", "in.npy"]
        command += ["--hosts", "hosts.toml", "--progress", style]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 4
    said = (done.stdout + done.stderr).decode()
    assert "owned" in said
    assert not {"\x1b]", "\x1b[2J", "\x07", "\u202e"} & {
        text for text in ("\x1b]", "\x1b[2J", "\x07", "\u202e") if text in said
    }
    assert "[bold red]" in said


def test_words_are_cut() -> None:
    """Of a worker's words at most a kilobyte is kept, whatever they are made of."""
    for text in (EVIL, "\N{GRINNING FACE}" * 10**6, "\ud800" * 5000, ""):
        assert len(shown(text).encode("utf-8", "replace")) <= MAX_WORDS
        assert shown(text).isprintable()
    assert shown("plain words") == inert("plain words") == "plain words"
