"""Run a command with the native kernel compiled for AddressSanitizer and UBSan.

python -m tests.support.sanitized COMMAND...
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from hatch_build import compile_kernel

ROOT = Path(__file__).parents[2]
FOLDER = "TILEFAN_KERNEL"
"""Environment variable: where tests load the kernel from, instead of the package."""

FLAGS = ("-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined")


def main() -> int:
    """Compile, run the command, and return its exit code."""
    found = subprocess.run(
        [os.environ.get("CC", "cc"), "-print-file-name=libasan.so"],
        capture_output=True,
        text=True,
        check=True,
    )
    with TemporaryDirectory() as folder:
        compile_kernel(ROOT, Path(folder), *FLAGS)
        environment = os.environ | {
            FOLDER: folder,
            "LD_PRELOAD": found.stdout.strip(),
            "ASAN_OPTIONS": "detect_leaks=0",  # Python's own would be told
        }
        return subprocess.run(sys.argv[1:], env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
