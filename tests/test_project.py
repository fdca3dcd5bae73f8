"""The files at the root tell the truth: Makefile, CONTRIBUTING.md, exit codes of the documents."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from typer.testing import CliRunner

from coordinator.cli.main import PLACES, app
from coordinator.errors import ExitCode
from worker.cli import EPILOG
from worker.errors import CertificateError, ListenError, TokenFileError

ROOT = Path(__file__).parents[1]
EXIT_CODES = ROOT / "docs" / "reference" / "exit-codes.md"


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


def test_the_exit_codes_of_the_documents() -> None:
    """Their table is `ExitCode`, and so is each number in the documents and in the help."""
    page = EXIT_CODES.read_text("utf-8")
    table = re.search(
        r"^\| exit code \| meaning \|\n\|---\|---\|\n((?:\|.*\n)+)", page, re.MULTILINE
    )
    assert table is not None
    rows = [[cell.strip() for cell in line.split("|")[1:3]] for line in table[1].splitlines()]
    assert rows == [[f"{code.value}", code.meaning] for code in ExitCode]
    texts = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("coordinator/cli/**/*.py")]
    wanted = re.compile(r"\bexits?(?: with| codes?)?\s+(\d+)")
    numbers = [
        (path.name, int(number))
        for path in texts
        for number in wanted.findall(path.read_text("utf-8").lower())
    ]
    assert {number for _, number in numbers} >= {0, 2, 3, 4, 5}
    assert [pair for pair in numbers if pair[1] not in set(ExitCode)] == []


def test_the_exit_codes_of_a_worker() -> None:
    """Its own table has the numbers of its errors, and they mean what those of `coord` mean."""
    numbers = {int(n) for n in re.findall(r"\b\d+\b", EPILOG.partition("Exit codes:")[2])}
    assert numbers < set(ExitCode)
    assert TokenFileError.exit_code == CertificateError.exit_code == ExitCode.UNTRUSTED
    assert ListenError.exit_code == ExitCode.STORE
    assert {TokenFileError.exit_code, ListenError.exit_code} < numbers


def test_the_documents_name_the_options_of_every_command() -> None:
    """Those that stand in the help of all."""
    page = EXIT_CODES.read_text("utf-8")
    (sentence,) = re.findall(r"^Every command has .*?:$", page, re.MULTILINE | re.DOTALL)
    options = re.findall(r"`(--?[\w-]+)", sentence)
    assert options == ["-h", "--help", "--version", "--log-level"]
    for name in (name for names in PLACES.values() for name in names if name != "filter"):
        shown = CliRunner().invoke(app, [name, "-h"], prog_name="coord")
        assert [option for option in options if option not in shown.stdout] == [], name
