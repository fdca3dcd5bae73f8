"""The files at the root tell the truth: targets of the Makefile, paths in CONTRIBUTING.md."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_make_help_lists_every_target() -> None:
    """A line for each phony target, which says what it does."""
    targets = re.findall(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    names = [name for line in targets for name in line.split()]
    assert len(names) > 10
    shown = subprocess.run(
        ["make", "--no-print-directory", "help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [line.split(maxsplit=1) for line in shown.stdout.splitlines()]
    assert [name for name, _ in lines] == sorted(names)
    assert all(len(text) > 10 for _, text in lines)


def test_paths_in_contributing_exist() -> None:
    """A file that moves is moved there too, and so is a name that is said to be in it."""
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    paths = set(re.findall(r"`([\w./-]*/[\w./-]*|[\w.-]+\.(?:md|toml))`", text))
    assert len(paths) > 25
    assert [path for path in sorted(paths) if not (ROOT / path).exists()] == []
    named = re.findall(r"`(\w+)`(?:[^`.]*?) (?:of|in)\s+`([\w/]+\.py)`", text)
    assert len(named) > 10
    assert [
        (name, path)
        for name, path in named
        if not re.search(
            rf"\b(class|def) {name}\b|^{name}\b", (ROOT / path).read_text("utf-8"), re.M
        )
    ] == []
