"""`coord up local` and `coord down`: real workers on this machine, and nothing that is left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from coordinator.errors import InputError, NoWorkerError, StoreError
from coordinator.hosts.hosts_file import load_hosts
from coordinator.launch.local import LocalFleet
from coordinator.launch.section import FleetFile
from coordinator.workflows.settings import Setting, settings
from coordinator.workflows.up import bring_up, take_down
from tests.coordinator.cli.test_cli import coord, refused
from tests.support.equality import assert_same_bits
from tests.support.launched import WITHIN_S, lives, until
from tests.support.processes import running_workers
from tilefan import Fleet

ROOT = Path(__file__).parents[3]


def pids(path: Path) -> list[int]:
    """Return the processes of the workers that a hosts file says are up."""
    folder = FleetFile.read(path).folder
    assert folder is not None
    return [json.loads(each.read_text())["pid"] for each in folder.path.glob("*.json")]


def test_up_and_down(hosts: Path) -> None:
    """The workers filter, are in a session of their own, and end; the file remembers them."""
    lines: list[str] = []
    bring_up(hosts, LocalFleet(workers=2), lines.append)
    config = load_hosts(hosts)
    assert config.token_file is not None
    assert config.token_file.stat().st_mode & 0o777 == 0o600
    assert config.token_file.parent.stat().st_mode & 0o777 == 0o700
    told = [each for each in settings(str(hosts), None) if each.name == "token file"]
    assert told == [Setting("token file", str(config.token_file), f"{hosts}, [up]")]
    up = pids(hosts)
    assert len(config.hosts) == len(set(up)) == 2
    assert [os.getsid(pid) for pid in up] == up  # so they outlive the terminal
    x = np.random.default_rng(7).random((200, 201))
    with Fleet.from_toml(hosts) as fleet:
        assert_same_bits(fleet.gaussian_filter(x, 2.0), ndimage.gaussian_filter(x, 2.0))
    with pytest.raises(InputError, match="is up already"):
        bring_up(hosts, None, lines.append)
    take_down(hosts, lines.append)
    assert [pid for pid in up if lives(pid)] == []
    take_down(hosts, lines.append)
    assert lines[-1].endswith("none of its workers is up")
    bring_up(hosts, None, lines.append)
    assert len(load_hosts(hosts).hosts) == 2


def test_no_process_is_ended_by_its_number(hosts: Path) -> None:
    """What runs under the number of a worker that has died lives on."""
    bring_up(hosts, LocalFleet(workers=1), print)
    folder = FleetFile.read(hosts).folder
    assert folder is not None
    (announcement,) = folder.path.glob("*.json")
    (pid,) = pids(hosts)
    os.kill(pid, signal.SIGKILL)
    with subprocess.Popen(["sleep", "600"]) as innocent:
        try:
            fields = json.loads(announcement.read_text())
            announcement.write_text(json.dumps({**fields, "pid": innocent.pid}))
            take_down(hosts, print)
            assert innocent.poll() is None
        finally:
            innocent.kill()


def test_workers_that_have_ended_are_started_again(hosts: Path) -> None:
    """Nothing but their folder is left of them, and it goes."""
    bring_up(hosts, LocalFleet(workers=1), print)
    (first,) = pids(hosts)
    os.kill(first, signal.SIGKILL)
    until(lambda: not lives(first))
    bring_up(hosts, None, print)
    assert pids(hosts) != [first]


def test_a_folder_that_is_gone(hosts: Path) -> None:
    """A state folder that somebody cleared, which ended the workers, is in nobody's way."""
    bring_up(hosts, LocalFleet(workers=1), print)
    folder, (pid,) = FleetFile.read(hosts).folder, pids(hosts)
    assert folder is not None
    folder.remove()
    until(lambda: not lives(pid))
    take_down(hosts, print)
    assert FleetFile.read(hosts).folder is None


def test_other_workers_of_the_file_are_not_waited_for(hosts: Path) -> None:
    """Its owner's own, which go on."""
    with running_workers(1) as (other,):
        bring_up(hosts, LocalFleet(workers=1), print)
        with hosts.open("a") as file:
            file.write(f'\n[[hosts]]\nurl = "{other.url}"\n')
        assert len(load_hosts(hosts).hosts) == 2
        take_down(hosts, print)
        assert [host.name for host in load_hosts(hosts).hosts] == [other.address]
        bring_up(hosts, None, print)


def test_who_never_came_is_named_with_its_last_lines(hosts: Path) -> None:
    """Exit code 3; the file keeps the plan, and no worker."""
    with pytest.raises(NoWorkerError) as caught:
        bring_up(hosts, LocalFleet(workers=2, until_idle="soon"), print)
    words = str(caught.value)
    assert "2 workers never came (of 2):" in words
    assert "worker-2: ended with exit code 2" in words
    assert "want a time such as 90s, 15m or 2h" in words
    file = FleetFile.read(hosts)
    assert (file.plan, file.folder) == (LocalFleet(workers=2, until_idle="soon"), None)


@contextmanager
def starting(hosts: Path, folder: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run a `coord up` whose worker says nothing; yield it, and the worker's process."""
    fake = folder / "fake" / "worker"
    fake.mkdir(parents=True)
    (fake / "__init__.py").touch()
    said = folder / "pid"
    (fake / "__main__.py").write_text(
        f"import os, pathlib, time\npathlib.Path({str(said)!r}).write_text(f'{{os.getpid()}} ')\n"
        "time.sleep(600)"
    )
    env = {**os.environ, "PYTHONPATH": f"{fake.parent}:{ROOT}"}
    command = [sys.executable, "-P", "-m", "coordinator", "up", "local", "-n", "1"]
    command += ["--hosts", str(hosts)]
    with subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True) as process:
        try:
            until(lambda: said.exists() and said.read_text().endswith(" "))
            yield process, int(said.read_text())
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_what_was_started_ends_with_who_started_it(
    hosts: Path, tmp_path: Path, number: signal.Signals
) -> None:
    """Ctrl-C, SIGTERM and a terminal that is closed, while workers are waited for."""
    with starting(hosts, tmp_path) as (process, pid):
        process.send_signal(number)
        assert process.wait(WITHIN_S) == (143 if number == signal.SIGTERM else 130)
    assert not lives(pid)
    assert FleetFile.read(hosts).folder is None


def test_one_at_a_time(hosts: Path, tmp_path: Path) -> None:
    """While workers are started nobody else starts or stops those of the file, by any name."""
    link = tmp_path / "link.toml"
    link.symlink_to(hosts)
    with starting(hosts, tmp_path) as (process, pid):
        for path in (hosts, link):
            with pytest.raises(StoreError, match=r"another `coord up` or `coord down` is at work"):
                bring_up(path, LocalFleet(workers=1), print)
            with pytest.raises(StoreError, match="wait for it to end"):
                take_down(path, print)
        other, lines = tmp_path / "other.toml", list[str]()
        bring_up(other, LocalFleet(workers=1), lines.append)
        assert f"they end with `coord down --hosts {other}`, or after" in lines[-1]
        take_down(other, lines.append)
        assert lines[-1].endswith(f"`coord up --hosts {other}` starts them again")
        assert lives(pid)
        process.send_signal(signal.SIGINT)
        assert process.wait(WITHIN_S) == 130
    bring_up(hosts, LocalFleet(workers=1), print)


def test_many_at_once(hosts: Path) -> None:
    """One brings its workers up; nobody else's are left."""

    def bring(_: int) -> str:
        try:
            bring_up(hosts, LocalFleet(workers=1), print)
        except (InputError, StoreError) as error:
            return str(error)
        return ""

    with ThreadPoolExecutor(6) as threads:
        said = list(threads.map(bring, range(6)))
    assert said.count("") == 1
    assert all("is at work on it" in each or "is up already" in each for each in said if each)
    assert len(pids(hosts)) == len(load_hosts(hosts).hosts) == 1
    folder = FleetFile.read(hosts).folder
    assert folder is not None
    assert list(folder.path.parent.iterdir()) == [folder.path]


def test_one_that_was_killed_claims_nothing(hosts: Path, tmp_path: Path) -> None:
    """What it began is cleared away by the next."""
    with starting(hosts, tmp_path) as (process, pid):
        process.kill()
        process.wait()
        os.kill(pid, signal.SIGKILL)
    bring_up(hosts, LocalFleet(workers=1), print)
    assert len(pids(hosts)) == 1


def test_a_file_that_is_a_link(hosts: Path, tmp_path: Path) -> None:
    """Where it leads to is written, up and down, there or not; the link stays."""
    (tmp_path / "shared").mkdir()
    target = tmp_path / "shared" / "fleet.toml"
    hosts.symlink_to(target)
    for _ in range(2):
        bring_up(hosts, LocalFleet(workers=1), print)
        assert load_hosts(target) == load_hosts(hosts)
        take_down(hosts, print)
        assert hosts.is_symlink()
        assert FleetFile.read(target).folder is None
    assert [path.name for path in target.parent.iterdir()] == ["fleet.toml"]


def test_no_file(tmp_path: Path) -> None:
    """The wrong folder is no place where all have ended; addresses are no file."""
    with pytest.raises(InputError, match="none here; --hosts names the file that coord up wrote"):
        take_down(tmp_path / "hosts.toml", print)
    for command in ("up local", "down"):
        refused(coord(tmp_path, *command.split(), "--hosts", "node1:8080"), 2, "is of addresses")
    assert list(tmp_path.iterdir()) == []
