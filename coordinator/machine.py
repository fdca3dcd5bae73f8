"""The machine in use and the packages that stand on it, for provenance."""

from __future__ import annotations

import os
import platform
import re
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np

CPUS = Path("/proc/cpuinfo")

PACKAGES = Path(np.__file__).parents[1]
"""Where packages are installed."""


def versions() -> Mapping[str, str]:
    """Return what this coordinator runs on: names and versions."""
    return {
        **{name: version(name, PACKAGES) for name in ("tilefan", "numpy", "scipy")},
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
        "cpu": cpu(),
    }


def version(package: str, folder: Path) -> str:
    """Return the version of a package, which need not be imported.

    The name of its metadata's folder tells it; `importlib.metadata` takes longer to import than all
    of provenance to write, so it is asked only where there is no such folder.
    """
    for found in folder.glob(f"{package}-*.dist-info"):
        return found.name.removeprefix(f"{package}-").removesuffix(".dist-info")
    from importlib import metadata

    return metadata.version(package)


def cpu() -> str:
    """Return the name of this machine's processor, as far as it has one."""
    try:
        with CPUS.open(encoding="utf-8", errors="replace") as lines:
            named = (line.partition(":")[2].strip() for line in lines if "model name" in line)
            found = next(named, "")
    except OSError:
        found = ""
    return found or platform.processor() or platform.machine()


STATM = Path("/proc/self/statm")
MEMORY = Path("/proc/meminfo")
STAT = Path("/proc/self/stat")

STARTED = 22
"""Of the fields of `STAT`: when the process was started, in clock ticks since the boot."""


NAME = "this machine"
"""How events call the one worker that is no host."""


def resident_bytes() -> int:
    """Return the memory that this process has now; 0 where the system does not tell."""
    try:
        return int(STATM.read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def available_bytes() -> int:
    """Return the memory that programs can have without swapping; no bound if nobody tells."""
    try:
        found = re.search(r"^MemAvailable:\s*(\d+) kB$", MEMORY.read_text("ascii"), re.MULTILINE)
    except OSError:
        found = None
    return 1024 * int(found[1]) if found else sys.maxsize


def usable_cores() -> int:
    """Return the cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def process_age_s() -> float:
    """Return the seconds since this process was started, imports included.

    Where the system does not tell, it is the processor time that the process has used: less, if it
    had to wait.
    """
    try:
        # The second field is the name of the program, in parentheses, and may have spaces in it.
        fields = STAT.read_text("ascii", "replace").rpartition(")")[2].split()
        started_s = int(fields[STARTED - 3]) / os.sysconf("SC_CLK_TCK")
        return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - started_s)
    except (OSError, AttributeError):
        return time.process_time()
