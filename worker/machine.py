"""The machine that a worker runs on: its processor and memory, and the versions installed there."""

from __future__ import annotations

import functools
import os
import platform
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Self

CPUS = Path("/proc/cpuinfo")
STATM = Path("/proc/self/statm")
CONTAINER_LIMIT = Path("/sys/fs/cgroup/memory.max")


def usable_cores() -> int:
    """Return the number of cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def usable_memory() -> int:
    """Return the bytes of memory that this process may have: the machine's or its container's."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        return min(machine, int(CONTAINER_LIMIT.read_text("ascii")))
    except (OSError, ValueError):  # no container, or one without a limit ("max")
        return machine


def resident_bytes() -> int | None:
    """Return the bytes of memory that this process has now; None where the system does not say."""
    try:
        pages = int(STATM.read_text("ascii").split()[1])
    except OSError:
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")


@functools.cache
def cpu() -> str:
    """Return the name of this machine's processor, as far as it has one."""
    try:
        lines = CPUS.read_text("utf-8", "replace").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "") or platform.processor() or platform.machine()


@dataclass(frozen=True, slots=True)
class Identity:
    """What computes on a worker: versions, kernel, processor and process.

    Parameters
    ----------
    version : str
        Of tilefan.
    kernel : str
        Name of the kernel that was selected.
    numpy, scipy, python : str
        Their versions, read without importing them: SciPy is imported by the first tile.
    machine, cpu : str
        Architecture, and name of the processor.
    pid : int
    """

    version: str
    kernel: str
    numpy: str
    scipy: str
    python: str
    machine: str
    cpu: str
    pid: int

    @classmethod
    def of_this_process(cls, kernel: str) -> Self:
        """Return the identity of this process with the kernel of this name."""
        return cls(
            version=version("tilefan"),
            kernel=kernel,
            numpy=version("numpy"),
            scipy=version("scipy"),
            python=platform.python_version(),
            machine=platform.machine(),
            cpu=cpu(),
            pid=os.getpid(),
        )

    def to_json(self) -> dict[str, str | int]:
        """Return the identity in JSON's types."""
        return asdict(self)
