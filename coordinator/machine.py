"""The machine in use and the packages that stand on it, for provenance."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

CPUS = Path("/proc/cpuinfo")


def versions() -> Mapping[str, str]:
    """Return what this coordinator runs on: names and versions."""
    packages = {name: version(name) for name in ("tilefan", "numpy", "scipy")}
    return {
        **packages,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
        "cpu": cpu(),
    }


def cpu() -> str:
    """Return the name of this machine's processor, as far as it has one."""
    try:
        lines = CPUS.read_text("utf-8", "replace").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, "") or platform.processor() or platform.machine()
