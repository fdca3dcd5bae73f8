"""`coord demo`: workers and a coordinator on one machine, checked against SciPy in the same run."""

from __future__ import annotations

import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from coordinator.api.fleet import Fleet
from coordinator.display.listener import make_listener
from coordinator.errors import NoWorkerError, VerifyError
from coordinator.events import Event, RunStarted
from coordinator.workflows.run_options import both
from tiling.dtypes import Array

SHAPE = (1024, 768, 3)
SIGMA = 0.5

LISTENING = "listening on "


@dataclass(slots=True)
class _PlanSize:
    """Tiles and bytes of a run, for the table."""

    tiles: int = 0
    bytes_both_ways: int = 0

    def hear(self, at: float, event: Event) -> None:  # noqa: ARG002 -- a listener takes the time
        if isinstance(event, RunStarted):
            self.tiles = event.tiles
            self.bytes_both_ways = event.bytes_in + event.bytes_out


def run_demo(workers: int, *, quiet: bool) -> None:
    """Blur the array that tilefan was made for through real workers, and compare.

    Parameters
    ----------
    workers : int
        Processes to start on loopback; they are stopped again.
    quiet : bool
        Whether to print errors only.

    Raises
    ------
    NoWorkerError
        If a worker does not start.
    VerifyError
        If a single bit differs from SciPy's.
    """
    x = np.random.default_rng().integers(0, 255, SHAPE, dtype=np.int32)
    size = _PlanSize()
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="tilefan-"))
        token = Path(folder) / "token"
        token.touch(mode=0o600)
        token.write_text(secrets.token_urlsafe(32))
        addresses = stack.enter_context(_running(workers, token))
        listen = stack.enter_context(make_listener("none" if quiet else "auto"))
        hear = both(size.hear, listen)
        fleet = stack.enter_context(Fleet(addresses, listen=hear, token_file=token))
        began = time.perf_counter()
        ours = fleet.gaussian_filter(x, SIGMA)
        ours_s = time.perf_counter() - began
    wanted, scipy_s = _scipy(x)
    equal = ours.dtype == wanted.dtype and ours.tobytes() == wanted.tobytes()
    if not quiet:
        _print(workers, size, ours_s, scipy_s, equal=equal)
    if not equal:
        raise VerifyError("the fleet's bits are not SciPy's: report this with the table")


def _scipy(x: Array) -> tuple[Array, float]:
    """Return what SciPy makes of the array, and the seconds it takes, its import not counted."""
    from scipy.ndimage import gaussian_filter

    began = time.perf_counter()
    wanted = gaussian_filter(x, SIGMA)
    return wanted, time.perf_counter() - began


@contextmanager
def _running(count: int, token: Path) -> Iterator[list[str]]:
    """Run worker processes on free ports of loopback; yield their addresses."""
    command = [sys.executable, "-m", "worker", "--host", "127.0.0.1", "--port", "0"]
    command += ["--token-file", str(token)]
    processes = [
        subprocess.Popen(  # noqa: S603 -- our own program, with our own arguments
            command, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        for _ in range(count)
    ]
    try:
        yield [_address(process) for process in processes]
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.communicate()


def _address(process: subprocess.Popen[str]) -> str:
    """Wait for the line that says where a worker listens."""
    assert process.stdout is not None  # noqa: S101 -- it was started with a pipe
    for line in process.stdout:
        if line.startswith(LISTENING):
            return line.removeprefix(LISTENING).strip()
    raise NoWorkerError(f"a worker did not start: it ended with exit code {process.wait()}")


def _print(workers: int, size: _PlanSize, ours_s: float, scipy_s: float, *, equal: bool) -> None:
    shape = "x".join(map(str, SHAPE))
    table = Table(title=f"gaussian_filter, {shape} int32, sigma {SIGMA}", title_justify="left")
    table.add_column("")
    table.add_column("seconds", justify="right")
    table.add_column("tiles", justify="right")
    table.add_column("bytes both ways", justify="right")
    table.add_row("SciPy, this process", f"{scipy_s:.3f}", "", "")
    tiles, sent = f"{size.tiles}", f"{size.bytes_both_ways:,}"
    table.add_row(f"tilefan, {workers} workers", f"{ours_s:.3f}", tiles, sent)
    table.caption = "equal, bit for bit" if equal else "NOT EQUAL"
    Console().print(table)
