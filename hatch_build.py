"""The build of the native kernel: C, compiled ahead of time into plain shared libraries.

A hook of hatchling, which builds the rest: the libraries have no Python in them, so a build system
for extension modules would have nothing to do, and more to install. They lie beside the Python code
in an editable installation and in a wheel alike. On x86-64 there is one for each level of the
instruction set; the kernel loads the best that the machine has.
"""

from __future__ import annotations

import os
import platform
import shlex
import subprocess
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FOLDER = Path("tiling/kernels/native")

# Rounding is SciPy's: no fused multiply-add, no fast-math. Sums neither trap nor set errno.
FLAGS = (
    *("-std=c11", "-O3", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math"),
    *("-fPIC", "-fvisibility=hidden", "-Wall", "-Wextra", "-Wno-psabi"),
)
LEVELS = {
    1: ("-march=x86-64",),
    3: ("-march=x86-64-v3",),
    4: ("-march=x86-64-v4", "-mprefer-vector-width=512"),
}


def compile_kernel(root: Path, target: Path, *extra: str) -> list[str]:
    """Compile every library into a folder; return their names.

    Raises
    ------
    OSError, subprocess.CalledProcessError
        If there is no compiler, or it fails.
    """
    compiler = shlex.split(os.environ.get("CC", "cc"))
    sources = sorted((root / FOLDER / "source").glob("*.c"))
    on_x86 = platform.machine().lower() in ("x86_64", "amd64")
    levels = LEVELS if on_x86 else {1: ()}

    def run(*arguments: str) -> None:
        subprocess.run([*compiler, *extra, *arguments], check=True)  # noqa: S603 - the user's own

    with TemporaryDirectory() as folder, ThreadPoolExecutor(os.cpu_count()) as pool:
        objects = {
            level: [f"{folder}/{source.stem}_v{level}.o" for source in sources] for level in levels
        }
        works = [
            pool.submit(run, *FLAGS, *levels[level], "-c", str(source), "-o", name)
            for level, names in objects.items()
            for source, name in zip(sources, names, strict=True)
        ]
        for work in works:
            work.result()
        libraries = [f"kernel_v{level}.so" for level in levels]
        for library, names in zip(libraries, objects.values(), strict=True):
            partial = target / f"{library}.partial"
            run("-shared", *names, "-lm", "-o", str(partial))
            partial.replace(target / library)  # a process that has loaded the old one keeps it
    return libraries


class NativeKernelHook(BuildHookInterface[Any]):
    """Adds the libraries to the wheel; without a compiler the wheel has none, and SciPy serves."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Compile, before files are collected."""
        root = Path(self.root)
        for left in (root / FOLDER).glob("kernel_*.so"):
            left.unlink()
        try:
            libraries = compile_kernel(root, root / FOLDER)
        except (OSError, subprocess.CalledProcessError) as error:
            self.app.display_warning(f"the native kernel is not built, SciPy will serve: {error}")
            return
        system = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["tag"] = f"py3-none-{system}"
        build_data["artifacts"].extend(f"{FOLDER}/{library}" for library in libraries)
