"""The processes of ssh that carry a script to nodes and bring back what it prints."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Any, Final, TypeVar

from coordinator.errors import StoreError
from coordinator.launch.arrivals import last_lines
from coordinator.launch.ssh_scripts import NO_PROGRAM, OLD_PYTHON

T = TypeVar("T")

CONNECT_S: Final = 10
"""Of ssh's own wait for a connection."""

MOST_AT_ONCE: Final = 64

MOST_HEARD_BYTES: Final = 2**20
"""Of what a node prints on each stream: a script of a login shell may never end."""

LOGIN_FAILED: Final = 255
"""Exit code of ssh itself."""

OPTIONS: Final = (
    *("-T", "-o", "BatchMode=yes", "-o", f"ConnectTimeout={CONNECT_S}"),
    *("-o", "ControlMaster=no"),  # a master would stay, and hold our pipes
)

REASONS: Final = {
    LOGIN_FAILED: "ssh failed",
    NO_PROGRAM: "there is no worker program: add --install, or say where with --worker PATH",
    OLD_PYTHON: "no Python from 3.11 on that can make an environment, and no uv: name one with "
    "--python PATH",
}


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a script.

    Parameters
    ----------
    code : int, optional
        Its exit code; None if it took longer than `within_s`.
    out, err : str
        What was printed, as much of it as was heard.
    within_s : float
    endless : bool
        Whether it was more than `MOST_HEARD_BYTES`.
    """

    code: int | None
    out: str
    err: str
    within_s: float
    endless: bool = False

    @property
    def trouble(self) -> str:
        """What went wrong, if something did."""
        if self.endless:
            return "its shell prints without end, whatever it is told"
        if self.code is None:
            return f"no word within {self.within_s:g} s"
        if self.code < 0:
            return f"ssh was ended by signal {-self.code}"
        return REASONS.get(self.code, f"ended with exit code {self.code}")

    @property
    def lines(self) -> tuple[str, ...]:
        """The last lines that were heard."""
        return last_lines(f"{self.out}\n{self.err}")


class Connections:
    """Processes of ssh, which end when this is closed.

    Parameters
    ----------
    ssh_config : str, optional
        As ``ssh -F`` takes it.
    """

    def __init__(self, ssh_config: str | None) -> None:
        self._command = ["ssh", *([] if ssh_config is None else ["-F", ssh_config])]
        self._running: set[subprocess.Popen[bytes]] = set()
        self._closed = False
        self._lock = threading.Lock()

    def on_all(self, act: Callable[[int, str], T], nodes: Sequence[str]) -> list[T]:
        """Do something for all nodes at once, each with its number from 1; return the results."""
        with ThreadPoolExecutor(min(len(nodes), MOST_AT_ONCE)) as threads:
            try:
                return list(threads.map(act, range(1, len(nodes) + 1), nodes))
            except BaseException:
                threads.shutdown(wait=False, cancel_futures=True)
                self._close()
                raise

    def run(self, node: str, script: str, within_s: float) -> Done:
        """Have a node's sh read a script, for so many seconds at most.

        Raises
        ------
        StoreError
            If there is no ssh.
        """
        command = [*self._command, *OPTIONS, "--", node, "sh"]
        with self._spawn(command) as process, ThreadPoolExecutor(3) as threads:
            threads.submit(_tell, process, script)
            pipes = (process.stdout, process.stderr)
            hearing = [threads.submit(_hear, process, pipe) for pipe in pipes]
            in_time = not wait(hearing, within_s).not_done
            if not in_time:
                _kill(process)
            (out, more), (err, more_err) = (each.result() for each in hearing)
            code = process.wait()
            self._running.discard(process)
        return Done(code if in_time else None, out, err, within_s, more or more_err)

    def host_of(self, node: str) -> str:
        """Return the host that a target stands for, as ssh's configuration has it."""
        command = [*self._command, "-G", "--", node]
        done = subprocess.run(  # noqa: S603 - a checked target
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        lines = (line.partition(" ") for line in done.stdout.splitlines())
        return next((host for key, _, host in lines if key == "hostname"), node.rpartition("@")[2])

    def _spawn(self, command: list[str]) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._closed:
                raise StoreError("ssh: interrupted")
            try:
                process = subprocess.Popen(  # noqa: S603 - a checked target
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    start_new_session=True,  # a group of its own, to be killed as one
                )
            except OSError as error:
                raise StoreError(f"ssh: can't be run: {error.strerror}") from None
            self._running.add(process)
        return process

    def _close(self) -> None:
        with self._lock:
            self._closed = True
            for process in self._running:
                _kill(process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process of ssh, and its ProxyCommand, which would hold our pipes."""
    if process.returncode is None:  # not reaped: no other group has this number
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _tell(process: subprocess.Popen[bytes], script: str) -> None:
    pipe: Any = process.stdin
    with suppress(OSError), pipe:  # who has ended reads no more
        pipe.write(script.encode())


def _hear(process: subprocess.Popen[bytes], pipe: IO[bytes] | None) -> tuple[str, bool]:
    """Return what a process prints, and whether there is more: then it is ended."""
    assert pipe is not None  # noqa: S101 - it was asked for
    heard = pipe.read(MOST_HEARD_BYTES)
    more = bool(pipe.read(1))
    if more:
        _kill(process)
    return heard.decode("utf-8", "replace"), more
