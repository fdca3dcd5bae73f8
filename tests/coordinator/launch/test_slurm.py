"""Workers in a job array of a real Slurm, and a scheduler that refuses, delays or is not there."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from coordinator.engines.http.session import Session
from coordinator.errors import InputError, NoWorkerError, StoreError
from coordinator.hosts.hosts_file import load_hosts
from coordinator.hosts.token import find_credential
from coordinator.launch.section import FleetFile
from coordinator.launch.slurm import SlurmFleet
from coordinator.workflows.up import bring_up, take_down
from tests.support.equality import assert_same_bits
from tests.support.launched import until
from tests.support.slurm import needs_slurm, slurm
from tilefan import Fleet

WITHIN_S = 120.0


@pytest.fixture(scope="module")
def conf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cluster of one node."""
    with slurm(tmp_path_factory.mktemp("slurm")) as found:
        yield found


def queue() -> list[str]:
    """Return the states of all jobs."""
    command = ["squeue", "-h", "-r", "-t", "PENDING,RUNNING", "-o", "%T"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


@needs_slurm
def test_up_filter_down(hosts: Path, conf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The workers encrypt, tell when their time ends, filter, and are cancelled."""
    monkeypatch.setenv("SLURM_CONF", str(conf))
    plan = SlurmFleet(2, ("--partition=cpu", "--time=30:00"), threads=1, wait_s=WITHIN_S)
    bring_up(hosts, plan, print)
    config = load_hosts(hosts)
    assert [host.certificate is not None for host in config.hosts] == [True, True]
    with Session(config, find_credential(config.token_file)) as session:
        left_s = [client.health().ends_in_s or 0.0 for client in session.clients.values()]
    assert all(1500.0 < each <= 1800.0 for each in left_s), left_s
    x = np.random.default_rng(7).random((200, 201))
    with Fleet.from_toml(hosts) as fleet:
        assert_same_bits(fleet.gaussian_filter(x, 2.0), ndimage.gaussian_filter(x, 2.0))
    assert queue() == ["RUNNING", "RUNNING"]
    take_down(hosts, print)
    until(lambda: queue() == [])
    assert FleetFile.read(hosts).plan == plan


@needs_slurm
def test_who_waits_in_the_queue(hosts: Path, conf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its state is told, and its task is cancelled."""
    monkeypatch.setenv("SLURM_CONF", str(conf))
    monkeypatch.setattr("coordinator.launch.slurm.LOOK_S", 0.2)
    with pytest.raises(NoWorkerError) as caught:
        bring_up(hosts, SlurmFleet(1, ("--hold",), wait_s=2.0), print)
    assert "worker-1: no word within 2 s" in str(caught.value)
    assert "squeue: PENDING, JobHeldUser" in str(caught.value)
    until(lambda: queue() == [])


@needs_slurm
def test_a_worker_that_can_not_start(
    hosts: Path, conf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its last lines are shown, long before the wait is over."""
    monkeypatch.setenv("SLURM_CONF", str(conf))
    monkeypatch.setattr("coordinator.launch.slurm.LOOK_S", 0.2)
    with pytest.raises(NoWorkerError) as caught:
        bring_up(hosts, SlurmFleet(1, until_idle="soon", wait_s=WITHIN_S), print)
    assert "worker-1: its job has ended" in str(caught.value)
    assert "want a time such as 90s" in str(caught.value)


@needs_slurm
def test_what_slurm_does_not_take(hosts: Path, conf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its words are passed on, and nothing is left."""
    monkeypatch.setenv("SLURM_CONF", str(conf))
    with pytest.raises(InputError, match=r"sbatch takes no such job: .*invalid partition"):
        bring_up(hosts, SlurmFleet(1, ("--partition=none",)), print)
    assert queue() == []


def test_no_slurm(hosts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence, exit code 7."""
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(StoreError, match="can't be run: No such file"):
        bring_up(hosts, SlurmFleet(1), print)


STAND_IN = """#!/bin/sh
# Stands in for sbatch: keeps what it is told, and starts nothing.
printf '%s\\n' "$@" > "$SAID"
cat > "$SAID.script"
echo '17;cluster'
"""


def test_what_sbatch_is_told(hosts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a stand-in: our options come after the user's, and the token is in none of them."""
    said = tmp_path / "said"
    programs = {"sbatch": STAND_IN, "squeue": "#!/bin/sh\n", "scancel": "#!/bin/sh\n"}
    for name, text in programs.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("SAID", str(said))
    monkeypatch.setattr("coordinator.launch.slurm.LOOK_S", 0.1)
    plan = SlurmFleet(3, ("--time=1:00",), worker="/a b/worker", shared_folder=str(tmp_path / "s"))
    with pytest.raises(NoWorkerError, match="3 workers never came"):
        bring_up(hosts, plan, print)
    first, *options = said.read_text().splitlines()
    assert (first, options[0], options[2]) == ("--parsable", "--time=1:00", "--array=1-3")
    script = said.with_suffix(".script").read_text()
    assert "exec '/a b/worker' --port 0 --tls" in script
    assert f"--token-file {tmp_path}/s/" in script
    assert list((tmp_path / "s").iterdir()) == []
    assert json.dumps(script).count("token") == 2  # the option and the file, by its name
