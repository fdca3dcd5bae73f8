"""Hostile workers: nothing wrong is stored, they are left out, and their texts are shown inert."""

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
from coordinator.engines.http.refusal import MAX_WORDS, shown
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
from tests.support.hostile_worker import HOSTILE_TEXT, MISDEEDS, Misdeed, hostile_worker
from tests.support.processes import WorkerProcess
from tests.support.worker_in_thread import worker_thread
from tiling.kernels import reference

IMAGE = np.random.default_rng(11).standard_normal((64, 96))
WANT = ndimage.gaussian_filter(IMAGE, 2.0)

each_misdeed = pytest.mark.parametrize("misdeed", MISDEEDS, ids=lambda misdeed: misdeed.__name__)


class EventLog:
    """A listener that keeps the events."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.events: list[Event] = []
        self.ejected = threading.Event()

    def __call__(self, _: float, event: Event) -> None:
        if isinstance(event, WorkerEjected | WorkerLost):
            self.ejected.set()
        with self._lock:
            self.events.append(event)


@each_misdeed
def test_nothing_wrong_is_stored(misdeed: Misdeed) -> None:
    """Beside an honest worker, which waits until the other is left out, the bits are right."""
    log = EventLog()

    def patient(operation: Any, block: Any, crop: Any, out: Any) -> None:
        assert out.ndim != IMAGE.ndim or log.ejected.wait(60)  # probes have another rank
        reference.run(operation, block, crop, out)

    with worker_thread(patient) as honest, hostile_worker(misdeed) as hostile:
        with Fleet([hostile.address, honest], listen=log) as fleet:
            assert_same_bits(fleet.gaussian_filter(IMAGE, 2.0, tile=16), WANT)
        assert "/elsewhere" not in hostile.paths
    assert {e.worker for e in log.events if isinstance(e, TileStored)} == {honest}
    assert {e.worker for e in log.events if isinstance(e, TileFailed)} == {hostile.address}
    gone = [event for event in log.events if isinstance(event, WorkerEjected | WorkerLost)]
    assert {event.worker for event in gone} == {hostile.address}


@each_misdeed
def test_alone_it_is_named(misdeed: Misdeed) -> None:
    """Without an honest worker the run ends, with a sentence that can be shown."""
    log = EventLog()
    with (
        hostile_worker(misdeed) as hostile,
        Fleet([hostile.address], listen=log) as fleet,
        pytest.raises(TilefanError) as caught,
    ):
        fleet.gaussian_filter(IMAGE[:4, :4], 2.0)
    assert caught.value.exit_code == 4
    assert hostile.address in str(caught.value)
    assert str(caught.value).replace("\n", "").isprintable()
    failures = [event for event in log.events if isinstance(event, TileFailed)]
    assert failures
    assert all(event.reason.isprintable() for event in failures)
    assert all(len(event.reason.encode()) <= MAX_WORDS + 100 for event in failures)
    assert not any(isinstance(event, TileStored) for event in log.events)


def test_an_unfinished_answer_is_hedged(two_workers: list[WorkerProcess]) -> None:
    """A body that is never whole holds up no run: its tile is sent to another worker as well."""
    log = EventLog()
    honest = two_workers[0].address
    with (
        hostile_worker(misdeeds.unfinished) as hostile,
        Fleet([hostile.address, honest], listen=log) as fleet,
    ):
        assert_same_bits(fleet.gaussian_filter(IMAGE, 2.0, tile=16), WANT)
    assert {event.worker for event in log.events if isinstance(event, TileStored)} == {honest}


def test_what_follows_an_answer_belongs_to_no_tile(two_workers: list[WorkerProcess]) -> None:
    """Bytes after the announced ones are never read into another answer."""
    honest = two_workers[0].address
    with hostile_worker(misdeeds.endless) as hostile, Fleet([hostile.address, honest]) as fleet:
        assert_same_bits(fleet.gaussian_filter(IMAGE, 2.0, tile=16), WANT)


def test_an_overstated_time_is_not_believed() -> None:
    """An answer that says more time than there was counts, and what it says does not."""
    log = EventLog()
    with (
        hostile_worker(misdeeds.overstated_time) as hostile,
        Fleet([hostile.address], listen=log) as fleet,
    ):
        assert_same_bits(fleet.gaussian_filter(IMAGE, 2.0, tile=32), WANT)
    answers = [event for event in log.events if isinstance(event, TileAnswered)]
    assert len(answers) == 6
    assert {(each.computing_s, each.waiting_s) for each in answers} == {(None, None)}


def test_one_ulp_is_what_verify_finds(tmp_path: Path) -> None:
    """A worker that passes every probe and signs wrong bits is found by --verify, and only so."""
    np.save(tmp_path / "in.npy", IMAGE)
    with hostile_worker(misdeeds.one_ulp_more) as hostile:
        (tmp_path / "hosts.toml").write_text(f'hosts = ["{hostile.address}"]')
        command = [sys.executable, "-m", "coordinator", "blur", "in.npy", "--sigma", "2"]
        command += ["--hosts", "hosts.toml", "--tile", "16", "--verify", "2%"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 5, done.stderr
    assert f"tile 0, computed by {hostile.address}, is not SciPy's: first at (0, 0)" in done.stderr
    assert not (tmp_path / "in.blur.npy").exists()


@pytest.mark.parametrize("style", ["rich", "plain", "json"])
def test_error_texts_are_shown_inert(style: str, tmp_path: Path) -> None:
    """No escape sequence and no markup of a worker's reaches the terminal."""
    np.save(tmp_path / "in.npy", IMAGE[:4, :4])
    with hostile_worker(misdeeds.hostile_text) as hostile:
        (tmp_path / "hosts.toml").write_text(f'hosts = ["{hostile.address}"]')
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


def test_error_texts_are_cut() -> None:
    """Of a worker's words at most a kilobyte is kept, whatever they are made of."""
    for text in (HOSTILE_TEXT, "\N{GRINNING FACE}" * 10**6, "\ud800" * 5000, ""):
        assert len(shown(text).encode("utf-8", "replace")) <= MAX_WORDS
        assert shown(text).isprintable()
    assert shown("plain words") == inert("plain words") == "plain words"
