"""A real Slurm of one node on loopback: its daemons run in the test's folder, and end with it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.support.sshd import free_ports

DAEMONS = ("munged", "slurmctld", "slurmd", "sbatch")

STARTS_WITHIN_S = 60.0

needs_slurm = pytest.mark.skipif(
    "CI" not in os.environ and (os.getuid() != 0 or not all(map(shutil.which, DAEMONS))),
    reason="slurmctld, slurmd, slurm-client and munge are not installed, or this is not root",
)

CONF = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge/socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
SchedulerParameters=batch_sched_delay=0,sched_interval=1
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SwitchType=switch/none
ReturnToService=2
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 RealMemory=1000 State=UNKNOWN
PartitionName=cpu Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


@contextmanager
def slurm(folder: Path) -> Iterator[Path]:
    """Run the daemons, each stopped by its process id; yield the file for ``SLURM_CONF``."""
    host = socket.gethostname().partition(".")[0]
    for name in ("munge", "state", "spool"):
        (folder / name).mkdir(mode=0o700)
    key = folder / "munge" / "key"
    key.touch(0o400)
    key.write_bytes(os.urandom(64))
    conf = folder / "slurm.conf"
    conf.write_text(CONF.format(folder=folder, host=host, ports=free_ports(2)))
    munge = {name: f"--{name}={folder}/munge/{name}" for name in ("socket", "pid-file", "log-file")}
    with ExitStack() as stack:
        for command in (
            [
                "munged",
                "--foreground",
                "--force",
                f"--key-file={key}",
                *munge.values(),
                f"--seed-file={folder}/munge/seed",
            ],
            ["slurmctld", "-D", "-f", str(conf)],
            ["slurmd", "-D", "-f", str(conf), "-N", host],
        ):
            stack.enter_context(_daemon(folder, command))
            if command[0] == "munged":
                _until((folder / "munge" / "socket").exists)
        environment = {**os.environ, "SLURM_CONF": str(conf)}
        _until(lambda: "idle" in _said(["sinfo", "-h", "-o", "%T"], environment))
        yield conf


@contextmanager
def _daemon(folder: Path, command: list[str]) -> Iterator[None]:
    program = shutil.which(command[0]) or f"/usr/sbin/{command[0]}"
    with (folder / f"{command[0]}.log").open("wb") as log:
        process = subprocess.Popen(
            [program, *command[1:]], stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(20.0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _said(command: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return done.stdout


def _until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + STARTS_WITHIN_S
    while not true():
        assert time.monotonic() < end
        time.sleep(0.1)
