"""Real `coord` processes: started, watched by their journals, and always stopped by process id."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from coordinator.journal.records import JournalError, parse
from coordinator.stores.partial import journal_path

BUSY_MACHINE_S = 60.0
"""Nothing that is waited for here takes so long, on any machine."""


def wait_until(happened: Callable[[], bool], what: str, within_s: float = BUSY_MACHINE_S) -> None:
    """Poll until something is so; fail in words if it never is."""
    deadline = time.monotonic() + within_s
    while not happened():
        assert time.monotonic() < deadline, f"after {within_s:g} s: {what}"
        time.sleep(0.002)


def tiles_in(journal_of: Path) -> int:
    """Count the finished tiles in the journal of an output."""
    try:
        return len(parse(journal_path(journal_of).read_bytes()).finished)
    except (FileNotFoundError, JournalError):
        return 0


@dataclass(frozen=True)
class CoordProcess:
    """A running `coord`."""

    process: subprocess.Popen[str]

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self, within_s: float = BUSY_MACHINE_S) -> tuple[int, str]:
        """Wait for it; return the exit code and all it wrote to stderr."""
        _, said = self.process.communicate(timeout=within_s)
        return self.process.returncode, said

    def wait_for_tiles(self, target: Path, tiles: int) -> None:
        """Wait until so many tiles are finished, or the run is over."""
        wait_until(
            lambda: tiles_in(target) >= tiles or self.process.poll() is not None,
            f"{tiles} tiles are in the journal",
        )

    def wait_for_journal(self, target: Path) -> None:
        """Wait until the run has begun its journal, or is over."""
        wait_until(
            lambda: journal_path(target).exists() or self.process.poll() is not None,
            "there is a journal",
        )


@contextmanager
def running_coord(folder: Path, *arguments: str) -> Iterator[CoordProcess]:
    """Run `coord` in a folder, and kill it if it is still there at the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "coordinator", *arguments],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield CoordProcess(process)
    finally:
        process.kill()
        process.wait()
        if process.stderr is not None:
            process.stderr.close()


def coord(folder: Path, *arguments: str) -> tuple[int, str]:
    """Run `coord` to its end; return the exit code and all it wrote to stderr."""
    with running_coord(folder, *arguments) as running:
        return running.end(3 * BUSY_MACHINE_S)
