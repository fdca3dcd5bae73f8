"""A headless Chromium, and pictures of pages in it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

BROWSER = shutil.which("chromium")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--enable-logging=stderr", "--hide-scrollbars",
)  # fmt: skip


def browse(page: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Open a file, in a profile of its own."""
    with TemporaryDirectory() as profile:
        command = [str(BROWSER), *FLAGS, f"--user-data-dir={profile}", *options, f"file://{page}"]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)


def photograph(page: Path, picture: Path, width: int, height: int, *options: str) -> None:
    """Keep how a page looks in a window of this size."""
    browse(page, f"--window-size={width},{height}", f"--screenshot={picture}", *options)
