"""Every command in README.md and docs/, as a newcomer would paste it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.documents import PAGES, ROOT, RUN, blocks, run

RUNNABLE = [path for path in PAGES if any(block.language in RUN for block in blocks(path))]
SHOWN = {"text", "toml", "json", "{toctree}", "{include}", "{literalinclude}", "{eval-rst}"}
"""Languages of blocks that nobody would paste."""


def test_what_is_not_run_does_not_look_as_if_it_were() -> None:
    """A block without a language, or of another shell, would be passed over in silence."""
    languages = {block.language for path in (ROOT / "README.md", *PAGES) for block in blocks(path)}
    assert languages - {*RUN, *SHOWN} == set()
    assert len(RUNNABLE) > 5


@pytest.mark.parametrize("document", RUNNABLE, ids=lambda path: path.stem)
def test_a_page_can_be_pasted(document: Path, tmp_path: Path) -> None:
    """Every block, in order, in a fresh folder and a new home."""
    folder = tmp_path / "folder"
    folder.mkdir()
    run(document, folder, PYTHONPATH=str(ROOT))


def test_the_readme_can_be_pasted(tmp_path: Path) -> None:
    """From the installation in a clean copy to a run on two nodes, each with a token of its own.

    Only the packages that it depends on are here already.
    """
    folder = tmp_path / "tilefan"
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if not name.startswith("tests/") and (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    packages = os.pathsep.join(path for path in sys.path if path.endswith("site-packages"))
    run(ROOT / "README.md", folder, PYTHONPATH=packages, CC=str(quick_compiler(tmp_path)))


def quick_compiler(folder: Path) -> Path:
    """Write a compiler that does not optimise, which would take most of the test's time."""
    path = folder / "cc"
    path.write_text('#!/bin/sh\nexec cc "$@" -O0\n')
    path.chmod(0o755)
    return path
