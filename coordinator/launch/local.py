"""Workers on this machine: processes of their own session, so that they outlive the terminal."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Literal

from pydantic import ConfigDict

from coordinator.errors import InputError
from coordinator.launch.arrivals import Absence, Started
from coordinator.launch.folder import FleetFolder
from coordinator.machine import usable_cores

LOOPBACK = "127.0.0.1"

ENDS_WITHIN_S = 30.0
"""Tiles in flight are finished first."""

_CHILDREN: dict[str, list[subprocess.Popen[bytes]]] = {}
"""The processes that this one has started, and has to reap, by the name of their fleet."""


@dataclass(frozen=True, slots=True)
class LocalFleet:
    """Workers on loopback, each with its share of the cores.

    Parameters
    ----------
    workers : int
    threads : int, optional
        Of each; its share of the cores unless given.
    until_idle : str
        They end after so long without a request, as `worker --until-idle` takes it.
    wait_s : float
        How long to wait for them.
    by : str
        Names this kind of fleet in hosts.toml.
    """

    workers: int = 2
    threads: int | None = None
    until_idle: str = "15m"
    wait_s: float = 60.0
    by: Literal["local"] = "local"

    __pydantic_config__ = ConfigDict(extra="forbid")

    def __post_init__(self) -> None:
        """Check what Python's types do not.

        Raises
        ------
        InputError
            If it is no number of workers, or no time.
        """
        if not isinstance(self.workers, int) or self.workers < 1:
            raise InputError(f"workers must be a number of at least 1, not {self.workers!r}")
        if not isinstance(self.until_idle, str):
            raise InputError(f"until_idle must be a time such as '15m', not {self.until_idle!r}")

    @property
    def size(self) -> int:
        """Workers that are wanted."""
        return self.workers

    @property
    def where(self) -> str:
        """Where they are started, in words."""
        return "on this machine"

    @property
    def parent(self) -> None:
        """The fleet's folder lies where the user's state does."""

    def start(self, folder: FleetFolder) -> list[Started]:
        """Start the workers; return what became of each.

        Those that did not come are stopped; all are, if this is interrupted.
        """
        names = [f"worker-{number}" for number in range(1, self.workers + 1)]
        processes: dict[str, subprocess.Popen[bytes]] = {}
        with ExitStack() as stack:
            stack.callback(lambda: _end(processes.values()))
            for name in names:
                processes[name] = self._spawn(folder, name)
            started = folder.wait(names, self.wait_s, lambda name: _ended(processes[name]))
            stack.pop_all()
        _end(processes[each.name] for each in started if isinstance(each, Absence))
        _CHILDREN[folder.name] = list(processes.values())
        return started

    def stop(self, folder: FleetFolder) -> list[str]:
        """Let the workers end; they do when their announcements are gone."""
        folder.remove()
        for process in _CHILDREN.pop(folder.name, ()):
            with suppress(subprocess.TimeoutExpired):
                process.wait(ENDS_WITHIN_S)
        return []

    def _spawn(self, folder: FleetFolder, name: str) -> subprocess.Popen[bytes]:
        threads = self.threads or max(1, usable_cores() // self.workers)
        command = [sys.executable, "-P", "-m", "worker", "--host", LOOPBACK, "--port", "0"]
        command += ["--threads", str(threads), "--token-file", str(folder.token_file)]
        command += ["--until-idle", self.until_idle]
        command += ["--announce", str(folder.announcement(name))]
        with folder.log(name).open("wb") as log:
            return subprocess.Popen(  # noqa: S603 - our own program, with our own arguments
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )


def _ended(process: subprocess.Popen[bytes]) -> str | None:
    code = process.poll()
    return None if code is None else f"ended with exit code {code}"


def _end(processes: Iterable[subprocess.Popen[bytes]]) -> None:
    """Stop processes that this one has started and not yet reaped; no other can have their ids."""
    processes = list(processes)
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
