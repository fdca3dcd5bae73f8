"""Real `worker` processes on loopback: started, waited for, and always stopped by process id."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import IO

STARTS_WITHIN_S = 180.0
"""A second, unless others share the machine."""

STOPS_WITHIN_S = 40.0
"""A drain may take 25 s."""


@dataclass(frozen=True)
class WorkerProcess:
    """A running worker: what it printed when it could serve, and its process."""

    said: str
    process: subprocess.Popen[bytes]
    log: IO[bytes]

    @property
    def url(self) -> str:
        return self.said.partition("\n")[0].removeprefix("listening on ")

    @property
    def address(self) -> str:
        return self.url.partition("://")[2]

    @property
    def hosts_toml(self) -> str:
        """The lines that it prints for a coordinator."""
        return self.said.partition("\n")[2]

    @property
    def pid(self) -> int:
        return self.process.pid

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def wait(self) -> int:
        """Return the exit code, once there is one."""
        return self.process.wait(STOPS_WITHIN_S)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        self.send(number)
        return self.wait()

    def stderr(self) -> str:
        """Return what it has written to stderr so far."""
        return _text(self.log)

    def complaints(self) -> str:
        """Return its stderr without informational lines and the warning of ``--insecure``."""
        lines = self.stderr().splitlines(keepends=True)
        expected = (" info tilefan.worker.", "no token is asked for")
        return "".join(line for line in lines if not any(text in line for text in expected))


@contextmanager
def running_workers(
    count: int = 1,
    *arguments: str,
    env: Mapping[str, str] | None = None,
    within: tuple[str, ...] = (),
    insecure: bool = True,
    module: str = "worker",
) -> Iterator[list[WorkerProcess]]:
    """Run so many workers on free ports of loopback, and stop them whatever happens.

    Parameters
    ----------
    count : int
    *arguments : str
        Of the command line, each worker's; a later ``--port`` counts.
    env : mapping, optional
        Variables of the environment, besides this process's own.
    within : tuple of str
        A command that turns into the worker, such as ``ip netns exec name``.
    insecure : bool
        Whether they serve without a token.
    module : str
        That is run.
    """
    arguments += ("--insecure",) if insecure else ()
    with ExitStack() as stack:
        started = [
            stack.enter_context(_spawned(module, arguments, env or {}, within))
            for _ in range(count)
        ]
        yield [WorkerProcess(_said(process, log), process, log) for process, log in started]


@contextmanager
def _spawned(
    module: str, arguments: tuple[str, ...], env: Mapping[str, str], within: tuple[str, ...]
) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes]]]:
    worker = [sys.executable, "-m", module, "--host", "127.0.0.1", "--port", "0", *arguments]
    command = [*within, *worker]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=log, env={**os.environ, **env}
        )
        try:
            yield process, log
        finally:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()


def _said(process: subprocess.Popen[bytes], log: IO[bytes]) -> str:
    """Read what a worker prints, in one piece, when it can serve."""
    assert process.stdout is not None
    text = b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        if selector.select(STARTS_WITHIN_S):
            text = os.read(process.stdout.fileno(), 4096)
    assert text.startswith(b"listening on http"), f"worker said {text!r}; {_text(log)}"
    assert text.endswith(b"\n"), text
    return text.decode()


def _text(log: IO[bytes]) -> str:
    return os.pread(log.fileno(), 1 << 20, 0).decode(errors="replace")
