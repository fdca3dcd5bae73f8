"""A worker that ends by itself, and how it says where it is."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage
from typer.testing import CliRunner

from coordinator.events import TileSent, WorkerLost
from tests.support.equality import assert_same_bits
from tests.support.processes import running_workers
from tests.support.worker_in_process import in_loop, serve
from tests.worker.test_cli import QUICK, run
from tilefan import Fleet
from tiling.protocol.token import Token
from worker.announcement import Announcement
from worker.cli import app
from worker.errors import AnnounceError
from worker.lifetime import Lifetime
from worker.machine import Identity
from worker.security.auth import Guard
from worker.settings import Settings
from worker.state import Service

WAIT_S = 60.0


def until_there(path: Path) -> dict[str, object]:
    end = time.monotonic() + WAIT_S
    while not path.exists():
        assert time.monotonic() < end
        time.sleep(0.02)
    found: dict[str, object] = json.loads(path.read_text())
    return found


def test_it_announces_itself_in_a_file_that_ends_it(tmp_path: Path) -> None:
    """One whole line of JSON for its owner only; without the file the worker ends, with 0."""
    path = tmp_path / "worker.json"
    with running_workers(1, *QUICK, "--announce", str(path)) as (worker,):
        said = until_there(path)
        assert (f"{said['scheme']}://{said['host']}:{said['port']}") == worker.url
        assert said["pid"] == worker.pid
        assert said["certificate"] is None
        assert {"tilefan_worker", "numpy", "scipy", "python", "kernel"} <= set(said)
        assert path.stat().st_mode & 0o777 == 0o600
        path.unlink()
        assert worker.wait() == 0
        assert "its announcement was removed" in worker.stderr()
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize("kind", ["pipe", "link", "text"])
def test_what_is_no_announcement_is_not_replaced(tmp_path: Path, kind: str) -> None:
    """Nor removed at the end: a device such as /dev/null, a link, a file of the user's."""
    path, other = tmp_path / "worker.json", tmp_path / "other"
    other.write_text("mine")
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "link":
        path.symlink_to(other)
    else:
        path.write_text("mine")
    identity = Identity.of_this_process("native")
    number = path.lstat().st_ino
    with pytest.raises(AnnounceError, match="is another file, and stays as it is"):
        Announcement(path).publish("127.0.0.1", 1, None, identity)
    assert path.lstat().st_ino == number
    path.unlink()
    for _ in range(2):  # what another worker has left makes room
        Announcement(path).publish("127.0.0.1", 1, None, identity)


def test_a_signal_takes_the_announcement_back(tmp_path: Path) -> None:
    """Nobody looks for a worker that has ended."""
    path = tmp_path / "worker.json"
    with running_workers(1, *QUICK, "--announce", str(path)) as (worker,):
        until_there(path)
        assert worker.stop(signal.SIGTERM) == 0
    assert not path.exists()


def test_on_stdout_the_announcement_stands_alone() -> None:
    """Programs read one line; the lines for people are left out."""
    done = run(
        "--host", "127.0.0.1", "--port", "0", "--insecure", "--announce", "-", "--until-idle", "0.1"
    )
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 1), done.stderr
    assert json.loads(done.stdout)["host"] == "127.0.0.1"
    assert 'reason="no request for 0.1 s"' in done.stderr


def test_a_place_that_can_not_be_written(tmp_path: Path) -> None:
    """One sentence and exit code 7."""
    done = run(
        "--host",
        "127.0.0.1",
        "--port",
        "0",
        "--insecure",
        "--announce",
        str(tmp_path / "removed" / "worker.json"),
    )
    assert (done.returncode, "can't be written" in done.stderr) == (7, True), done.stderr


@pytest.mark.parametrize("text", ["0m", "soon", "-1s", "1d"])
def test_times_that_are_none(text: str) -> None:
    """Usage, with an example."""
    ended = CliRunner().invoke(app, ["--until-idle", text])
    assert (ended.exit_code, "such as 90s, 15m or 2h" in ended.stderr) == (2, True)


@in_loop
async def test_what_counts_as_a_request() -> None:
    """Health does; metrics, and who has no token, do not."""
    token = Token.parse("t" * 40)
    async with serve(guard=Guard(token)) as (service, client):
        for path, headers, counts in (
            ("/v1/health", {"Authorization": token.header}, True),
            ("/metrics", {"Authorization": token.header}, False),
            ("/v1/health", {}, False),
        ):
            service.asked(time.monotonic() - 1000.0)
            await client.get(path, headers=headers)
            assert (service.idle_s(time.monotonic()) < 1000.0) == counts, (path, headers)


def test_the_clock_of_idleness() -> None:
    """It stands still while a tile is in flight."""
    service = Service(Settings(threads=1), Guard())
    service.asked(100.0)
    assert service.idle_s(160.0) == 60.0
    with service.pool.admit():
        assert service.idle_s(200.0) == 0.0
    assert service.idle_s(230.0) == 30.0
    service.stop()


def test_reasons(tmp_path: Path) -> None:
    """Idle for long enough, or without its file; a folder that can't be reached says nothing."""
    there = tmp_path / "there"
    there.touch()
    lifetime = Lifetime(5.0, Announcement(there))
    assert lifetime.over(4.9) == ""
    assert lifetime.over(5.0) == "no request for 5 s"
    there.unlink()
    assert lifetime.over(0.0) == "its announcement was removed"
    assert Lifetime(5.0, Announcement(Path("-"))).over(0.0) == ""


def test_a_worker_whose_time_ends_gets_no_tile() -> None:
    """It is left out with the reason; Slurm's variable tells it as the option does."""
    heard: list[object] = []
    end = str(time.time() + 4.0)
    with (
        running_workers(1, *QUICK, env={"SLURM_JOB_END_TIME": end}) as (ending,),
        running_workers(1, *QUICK) as (lasting,),
        Fleet([ending.address, lasting.address], listen=lambda _, event: heard.append(event)) as it,
    ):
        x = np.arange(64.0).reshape(8, 8)
        assert_same_bits(it.gaussian_filter(x, 1.0), ndimage.gaussian_filter(x, 1.0))
    lost = [each for each in heard if isinstance(each, WorkerLost)]
    assert [each.worker for each in lost] == [ending.address]
    assert "its time ends in" in lost[0].reason
    assert {e.worker for e in heard if isinstance(e, TileSent)} == {lasting.address}
