"""`coord demo`: workers and a coordinator on one machine, checked against SciPy in the same run."""

from __future__ import annotations

import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from coordinator.api.fleet import Fleet
from coordinator.api.local import FUNCTIONS
from coordinator.errors import NoWorkerError, VerifyError
from coordinator.machine import usable_cores
from coordinator.text import brief_time, count, extent
from tiling.dtypes import Array

LINK_BYTES_S: Final = 125e6
"""Of a network of 1 Gbit/s, each way."""

LISTENING = "listening on "


@dataclass(frozen=True, slots=True)
class Case:
    """A filter, its parameters, and an array to run it on."""

    filter: str
    parameters: Mapping[str, Any]
    shape: tuple[int, ...]
    dtype: str
    remark: str

    @property
    def title(self) -> str:
        """What is computed, on one line."""
        words = ", ".join(f"{name} {value}" for name, value in self.parameters.items())
        return f"{self.filter}, {words}, of {extent(self.shape)} {self.dtype}: {self.remark}"

    def array(self) -> Array:
        """Make an array of random numbers."""
        values = np.random.default_rng().random(self.shape, np.float32)
        return values if self.dtype == "float32" else (values * 4095).astype(self.dtype)


CASES: Final = (
    Case("gaussian_filter", {"sigma": 5}, (4096, 4096), "float32", "large and quick"),
    Case("median_filter", {"size": 7}, (64, 128, 128), "uint16", "small and slow"),
)


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds that a case took, and how many bytes the array has."""

    scipy_s: float
    here_s: float
    fleet_s: float
    array_bytes: int


def run_demo(workers: int, say: Callable[[str], None]) -> None:
    """Filter two arrays here and through real workers, compare with SciPy, and say what it means.

    Parameters
    ----------
    workers : int
        Processes to start on loopback; they are stopped again.
    say : callable
        Takes a line of text.

    Raises
    ------
    NoWorkerError
        If a worker does not start.
    VerifyError
        If a single bit differs from SciPy's.
    """
    say(f"starting {count(workers, 'worker')} on this machine, which has {usable_cores()} cores")
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="tilefan-"))
        token = Path(folder) / "token"
        token.touch(mode=0o600)
        token.write_text(secrets.token_urlsafe(32))
        addresses = stack.enter_context(_running(workers, token))
        fleet = stack.enter_context(Fleet(addresses, token_file=token))
        for case in CASES:
            say(f"\n{case.title}")
            for line in _lines(_timed(case, fleet), workers):
                say(f"  {line}")
    say(NEXT)


NEXT: Final = """
next, with an array of yours:
  coord blur in.npy --sigma 2            on this machine's cores
  coord filters                          all the other filters
  worker --pair                          on each further machine, and then here
  coord plan in.npy --sigma 2 --hosts node1:8080,node2:8080
                                         whether sending it there pays"""


def _lines(times: Times, workers: int) -> Iterator[str]:
    """Yield a table of times, and what they mean."""
    yield f"{'SciPy':24}{brief_time(times.scipy_s):>8}"
    for name, took_s in (
        ("tilefan, here", times.here_s),
        (f"tilefan, {count(workers, 'worker')}", times.fleet_s),
    ):
        gain = f"{times.scipy_s / took_s:,.1f} times as fast"
        yield f"{name:24}{brief_time(took_s):>8}   {gain:>22}   equal, bit for bit"
    if times.fleet_s > times.here_s:
        yield "The workers share this machine's cores, and every byte is sent to them."
    yield _verdict(times.here_s, times.array_bytes / LINK_BYTES_S)


def _verdict(here_s: float, send_s: float) -> str:
    """Say whether machines of their own would pay: where computing takes longer than sending."""
    what = f"At 1 Gbit/s, sending it takes {brief_time(send_s)} each way"
    if here_s > send_s:
        return f"{what}: further machines pay."
    return f"{what}: keep it on one machine."


def _timed(case: Case, fleet: Fleet) -> Times:
    """Run a case three ways, each warmed by a small call.

    Raises
    ------
    VerifyError
        If a single bit differs from SciPy's.
    """
    import scipy.ndimage

    x = case.array()
    corner = x[(slice(16),) * x.ndim]
    results, seconds = [], []
    name = case.filter
    for function in (getattr(scipy.ndimage, name), FUNCTIONS[name], getattr(fleet, name)):
        function(corner, **case.parameters)
        began = time.perf_counter()
        results.append(function(x, **case.parameters))
        seconds.append(time.perf_counter() - began)
    wanted = results[0]
    for result in results[1:]:
        if result.dtype != wanted.dtype or result.tobytes() != wanted.tobytes():
            raise VerifyError(f"{case.title}: the bits are not SciPy's; please report this")
    scipy_s, here_s, fleet_s = seconds
    return Times(scipy_s, here_s, fleet_s, x.nbytes)


@contextmanager
def _running(count: int, token: Path) -> Iterator[list[str]]:
    """Run worker processes on free ports of loopback; yield their addresses."""
    command = [sys.executable, "-m", "worker", "--host", "127.0.0.1", "--port", "0"]
    command += ["--token-file", str(token), "--log-level", "warning"]
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
