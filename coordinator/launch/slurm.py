"""Workers in one job array of Slurm, which see a folder of ours: there they announce themselves.

The array has a name that no other job has, so stopping it needs no number. A worker is told when
its job's time is over, and tells coordinators: they send it no tile that would not be finished.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

from pydantic import ConfigDict

from coordinator.errors import InputError, StoreError
from coordinator.launch.arrivals import Absence, Started, last_lines
from coordinator.launch.folder import FleetFolder

LOOK_S: Final = 2.0
"""Between two questions to the scheduler, which has more to do."""

ANSWERS_WITHIN_S: Final = 60.0

JOB: Final = """\
#!/bin/sh
umask 077
task=${{SLURM_ARRAY_JOB_ID}}_$SLURM_ARRAY_TASK_ID
end=$(date -d "$(squeue -h -j "$task" -o %e)" +%s 2> /dev/null)
exec {worker} --port 0 --tls --threads {threads} ${{end:+--until "$end"}} \\
  --token-file {folder}/token --announce {folder}/worker-"$SLURM_ARRAY_TASK_ID".json \\
  --until-idle {until_idle} --allow-host "$SLURMD_NODENAME"
"""


@dataclass(frozen=True, slots=True)
class SlurmFleet:
    """Workers that Slurm starts, one for each task of a job array.

    Parameters
    ----------
    workers : int
    arguments : tuple of str
        Of sbatch, such as ``--partition=cpu``.
    worker : str, optional
        The program on the nodes; this Python's unless given.
    shared_folder : str, optional
        That the nodes see too; the user's state folder unless given.
    threads : int, optional
        Of each; the CPUs that its job has unless given.
    until_idle : str
        They end after so long without a request, as `worker --until-idle` takes it.
    wait_s : float
        How long to wait for them, queue included.
    by : str
        Names this kind of fleet in hosts.toml.
    """

    workers: int = 2
    arguments: tuple[str, ...] = ()
    worker: str | None = None
    shared_folder: str | None = None
    threads: int | None = None
    until_idle: str = "15m"
    wait_s: float = 600.0
    by: Literal["slurm"] = "slurm"

    __pydantic_config__ = ConfigDict(extra="forbid")

    @property
    def size(self) -> int:
        """Workers that are wanted."""
        return self.workers

    @property
    def where(self) -> str:
        """Where they are started, in words."""
        return "in a job array of Slurm"

    @property
    def parent(self) -> Path | None:
        """Where the fleet's folder is to be, if not where others are."""
        return None if self.shared_folder is None else Path(self.shared_folder)

    def start(self, folder: FleetFolder) -> list[Started]:
        """Submit the array and wait; return what became of each worker.

        Those that did not come are cancelled.

        Raises
        ------
        InputError
            If Slurm does not take the job.
        StoreError
            If there is no Slurm.
        """
        command = ["sbatch", "--parsable", *self.arguments, f"--job-name={_name(folder)}"]
        command += [f"--array=1-{self.workers}", f"--output={folder.path}/worker-%a.log"]
        done = _run(command, self._script(folder))
        if done.returncode:
            raise InputError(f"sbatch takes no such job: {' '.join(last_lines(done.stderr))}")
        names = [f"worker-{number}" for number in range(1, self.workers + 1)]
        queue = _Queue(folder, done.stdout.partition(";")[0].strip())
        started = folder.wait(names, self.wait_s, queue.ended)
        return [queue.given_up(each) if isinstance(each, Absence) else each for each in started]

    def stop(self, folder: FleetFolder) -> list[str]:
        """Cancel the array; return why that failed, if it did."""
        done = _run(["scancel", f"--name={_name(folder)}"])
        return [f"scancel: {line}" for line in last_lines(done.stderr)] if done.returncode else []

    def _script(self, folder: FleetFolder) -> str:
        own = shlex.join([sys.executable, "-P", "-m", "worker"])
        return JOB.format(
            worker=own if self.worker is None else shlex.quote(self.worker),
            threads=self.threads or '"${SLURM_CPUS_ON_NODE:-1}"',
            folder=shlex.quote(str(folder.path)),
            until_idle=shlex.quote(self.until_idle),
        )


class _Queue:
    """What the scheduler says of the tasks of an array, asked now and then."""

    def __init__(self, folder: FleetFolder, job: str) -> None:
        self._folder = folder
        self._job = job
        self._states: dict[str, str] | None = None
        self._ask_at = time.monotonic() + LOOK_S  # until then it need not know the job

    def ended(self, name: str) -> str | None:
        """Return why no announcement of a worker will come; None while one may."""
        if time.monotonic() >= self._ask_at:
            self._ask()
        known = self._states is None or name in self._states
        return None if known else "its job has ended"

    def given_up(self, absence: Absence) -> Absence:
        """Cancel the task of a worker that did not come; add what the scheduler says of it."""
        _run(["scancel", f"{self._job}_{absence.name.removeprefix('worker-')}"])
        state = (self._states or {}).get(absence.name)
        return replace(absence, lines=(*absence.lines, *([f"squeue: {state}"] if state else [])))

    def _ask(self) -> None:
        own = f"--name={_name(self._folder)}"
        done = _run(["squeue", "--noheader", "--array", own, "--format=%K %T, %r"])
        if done.returncode == 0:
            rows = (line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)
            self._states = {f"worker-{task}": state for task, state in rows}
        self._ask_at = time.monotonic() + LOOK_S


def _name(folder: FleetFolder) -> str:
    return f"tilefan-{folder.name}"


def _run(command: list[str], text: str = "") -> subprocess.CompletedProcess[str]:
    """Run one of Slurm's programs.

    Raises
    ------
    StoreError
        If it is not there, or does not answer.
    """
    try:
        return subprocess.run(  # noqa: S603 - Slurm's programs; arguments are the user's
            command,
            input=text,
            capture_output=True,
            text=True,
            check=False,
            timeout=ANSWERS_WITHIN_S,
        )
    except subprocess.TimeoutExpired:
        raise StoreError(f"{command[0]}: no answer within {ANSWERS_WITHIN_S:g} s") from None
    except OSError as error:
        raise StoreError(f"{command[0]}: can't be run: {error.strerror}") from None
