"""The machine, the versions and the date of a measurement."""

from __future__ import annotations

import datetime
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = (
    *("tilefan", "numpy", "scipy", "aiohttp", "uvloop"),
    *("dask-image", "distributed", "opencv-python-headless", "flask"),
)


def describe(name: str | None = None) -> str:
    """Return one paragraph: the machine, its cores, the versions and the date.

    Parameters
    ----------
    name : str, optional
        What people call the machine; its CPU unless given.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    load = f", load {os.getloadavg()[0]:.1f} at the start" if hasattr(os, "getloadavg") else ""
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    versions = ", ".join(f"{package} {found}" for package in PACKAGES if (found := _found(package)))
    return (
        f"{today}, {name or _cpu()}, {cores} cores{load}; {platform.system()}, "
        f"Python {platform.python_version()}, {versions}"
    )


def _found(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _cpu() -> str:
    """Return the CPU's model; Linux tells it in a file, and a hypervisor may keep it vague."""
    table = Path("/proc/cpuinfo")
    fields: dict[str, str] = {}
    for line in table.read_text().splitlines() if table.exists() else []:
        key, _, value = line.partition(":")
        fields.setdefault(key.strip(), value.strip())
    if "model name" not in fields:
        return platform.processor() or platform.machine()
    numbers = (fields.get(key, "?") for key in ("cpu family", "model", "stepping"))
    return f"{fields['model name']} (family, model, stepping {', '.join(numbers)})"
