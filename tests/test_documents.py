"""What stands in docs/ is what the code says, and can be used as it stands."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import typer
import yaml
from openapi_spec_validator import validate
from typer.core import TyperGroup
from typer.main import get_command

import coordinator.cli.main
import worker.cli
from docs.manual import APPS, manual
from docs.openapi import document
from docs.remake import texts
from tests.support.documents import PAGES, ROOT, blocks
from worker.app import ROUTES

DOCS = ROOT / "docs"
UNIT = DOCS / "deploy" / "tilefan-worker.service"
PROGRAMS = {"coord": coordinator.cli.main.app, "worker": worker.cli.app}


@pytest.mark.parametrize("name", ["openapi.json", "man/coord.1", "man/worker.1"])
def test_files_that_are_made_of_the_code(name: str) -> None:
    """If this fails: python -m docs.remake."""
    assert (DOCS / name).read_text("utf-8") == texts()[name]


@pytest.mark.skipif(shutil.which("man") is None, reason="there is no man here")
@pytest.mark.parametrize("program", APPS)
def test_a_manual_can_be_read(program: str) -> None:
    """Without a warning, and with every option of the help."""
    page = DOCS / "man" / f"{program}.1"
    shown = subprocess.run(
        ["man", "--warnings=all", "--encoding=utf8", "-l", str(page)],
        env={"MANWIDTH": "100", "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert not shown.stderr
    (first, *_) = manual(program)
    options = re.findall(r"--[a-z][a-z-]+", " ".join(name for name, _ in first.panels["Options"]))
    assert "--help" in options
    assert [option for option in options if option not in shown.stdout] == []


def test_the_api_is_described_whole() -> None:
    """A path and a method for each route of the worker, in a valid document."""
    described = document()
    validate(described)
    assert {
        (method.upper(), path) for path, item in described["paths"].items() for method in item
    } == {(method, path) for method, path, _ in ROUTES}


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
def test_the_unit_is_valid_and_hardened(tmp_path: Path) -> None:
    """As systemd itself judges; what it starts lies elsewhere, so something that is here does."""
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text("utf-8").replace("/opt/tilefan/bin/worker", "/bin/true"))
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert not verified.stderr
    judged = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert judged.returncode == 0, judged.stdout


def commands(text: str) -> list[list[str]]:
    """Return the command lines of our programs that begin a line, or that another one starts."""
    before = r"^[ \t#]*(?:ExecStart=\S*/|.*\brun --rm coordinator )?"
    lines = re.findall(before + r"((?:coord|worker) [^\n;&|]+)", text, re.MULTILINE)
    return [shlex.split(line.partition(" $TILEFAN")[0], comments=True) for line in lines]


def test_command_lines_that_no_test_runs_can_be_parsed() -> None:
    """Services and containers name programs and options that exist."""
    compose: dict[str, Any] = yaml.safe_load((DOCS / "deploy" / "compose.yaml").read_text("utf-8"))
    lines = [service["command"] for service in compose["services"].values()]
    dockerfile = (DOCS / "deploy" / "Dockerfile").read_text("utf-8")
    lines += [yaml.safe_load(line) for line in re.findall(r"CMD (\[.*\])", dockerfile)]
    lines += commands((DOCS / "deploy" / "compose.yaml").read_text("utf-8"))
    lines += commands(UNIT.read_text("utf-8"))
    shown = (b.text for path in PAGES for b in blocks(path) if b.language == "text")
    lines += [line for text in shown for line in commands(text)]
    assert len(lines) > 3 + 2 + 2 + 1 + 2
    for line in lines:
        check_command(line)


def check_command(line: list[str]) -> None:
    """Parse a command line, and run nothing."""
    program, *words = line
    command = get_command(PROGRAMS[program])
    name = program
    while isinstance(command, TyperGroup):
        name = words.pop(0)
        below = command.get_command(typer.Context(command), name)
        assert below is not None, line
        command = below
    command.make_context(name, words)


def test_the_image_is_made_of_files_that_exist() -> None:
    """What it copies is in the tree, and is let through to the build."""
    dockerfile = (DOCS / "deploy" / "Dockerfile").read_text("utf-8")
    copied = [
        name
        for line in re.findall(r"^COPY (?!--from)(.+)$", dockerfile, re.MULTILINE)
        for name in line.split()[:-1]
    ]
    assert len(copied) > 8
    let_through = (DOCS / "deploy" / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
    assert [name for name in copied if not (ROOT / name).exists()] == []
    assert {f"!{name}" for name in copied} == {line for line in let_through if line[0] == "!"}


@pytest.mark.parametrize("path", [*ROOT.glob("*.md"), *PAGES], ids=lambda path: path.stem)
def test_links_lead_somewhere(path: Path) -> None:
    """To files of the tree, and elsewhere by https; `make docs` looks at anchors too."""
    text = re.sub(r"```.*?```|`[^`\n]*`", "", path.read_text("utf-8"), flags=re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        parts = urlsplit(link)
        if parts.scheme:
            assert parts.scheme == "https", link
            assert "." in parts.netloc, link
        elif parts.path:
            assert (path.parent / parts.path).exists(), link


def test_speed_is_what_was_measured() -> None:
    """Each figure of the README is one of RESULTS.md, rounded."""
    readme = (ROOT / "README.md").read_text("utf-8").partition("## Speed")[2]
    shown = re.findall(r"\| (\d+(?:\.\d)?) (?=\|)", readme)
    measured = re.findall(r"\b\d+\.\d\d\b", (ROOT / "benchmarks/RESULTS.md").read_text("utf-8"))
    rounded = {f"{float(number):.{places}f}" for number in measured for places in (0, 1)}
    assert len(shown) == 4 * 2 + 4
    assert set(shown) <= rounded
