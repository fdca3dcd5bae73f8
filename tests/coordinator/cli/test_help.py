"""The texts of `coord` about itself: help in sections, suggestions, completion, plans as JSON."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command
from typer.testing import CliRunner, Result

from coordinator.cli.main import PLACES, app
from coordinator.cli.options import PANELS
from coordinator.errors import ExitCode
from tiling.filters import supported

NAMES = [name for names in PLACES.values() for name in names]
LINES = [[name] for name in NAMES if name != "filter"]
LINES += [["filter", row.name] for row in supported()]
RUNS = [["blur"], ["median"], ["sobel"], ["filter", "laplace"]]


def coord(*arguments: str | Path) -> Result:
    """Run a command line in this process."""
    return CliRunner().invoke(app, [*map(str, arguments)], prog_name="coord")


@pytest.mark.parametrize("line", LINES, ids=" ".join)
@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_has_panels(line: list[str], flag: str) -> None:
    """Options stand in panels, examples name the command, exit codes come last."""
    shown = coord(*line, flag)
    assert shown.exit_code == 0
    before, _, codes = shown.stdout.partition(" Exit codes:")
    assert [row.split()[0] for row in codes.strip().splitlines()] == [f"{c}" for c in ExitCode]
    options, _, examples = before.partition(" Examples:")
    assert any(text.strip().startswith("coord ") for text in examples.splitlines())
    assert line[-1] in examples
    panels = [text.split()[1] for text in options.splitlines() if text.startswith("╭")]
    ours = [panel for panel in panels if panel not in ("Arguments", "Options")]
    assert ours == sorted(set(ours), key=PANELS.index)


@pytest.mark.parametrize("line", [[], *LINES], ids=" ".join)
def test_every_command_tells_the_version(line: list[str]) -> None:
    """Whatever else it needs."""
    shown = coord(*line, "--version")
    assert shown.exit_code == 0, shown.output
    assert shown.stdout.split()[0] == "coord"
    assert shown.stdout.split()[1][0].isdigit()


@pytest.mark.parametrize("line", LINES, ids=" ".join)
def test_examples_are_command_lines(line: list[str]) -> None:
    """Each can be parsed, though not everything in it is there to be run."""
    command = parsed([*line])
    command.get_params(typer.Context(command, info_name="coord", **command.context_settings))
    assert command.epilog
    examples = [text.strip() for text in command.epilog.splitlines() if "coord " in text]
    examples = [text.replace("\\[", "[") for text in examples if text.startswith("coord ")]
    assert examples
    for example in examples:
        name, *words = shlex.split(example.partition(" >")[0])
        assert name == "coord"
        parsed(words).make_context("coord", words)


def parsed(words: list[str]) -> TyperCommand | TyperGroup:
    """Take the name of a command off a line, and return the command."""
    found = get_command(app)
    context = typer.Context(found, info_name="coord")
    while isinstance(found, TyperGroup):
        below = found.get_command(context, words.pop(0))
        assert below is not None
        found = below
    assert isinstance(found, TyperCommand)
    return found


def test_all_commands_are_listed() -> None:
    """Each under its heading with what it does, and the exit codes last."""
    shown = coord("--help").stdout
    for heading, names in PLACES.items():
        assert f"╭─ {heading} ─" in shown
        for name in names:
            assert any(len(text.split()) > 2 for text in shown.splitlines() if name in text)
    assert shown.rstrip().splitlines()[-1].split()[0] == f"{ExitCode.TERMINATED}"


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        (["blurr"], "blur"),
        (["filter", "median_filtr"], "median_filter"),
        (["gaussian_filter"], "filter gaussian_filter"),
        (["plan", "--hots"], "--hosts"),
    ],
    ids=["command", "filter", "filter as command", "option"],
)
def test_a_misspelt_word_gets_a_suggestion(line: list[str], hint: str) -> None:
    """Of commands, filters and options; exit code 2."""
    said = coord(*line)
    assert said.exit_code == 2
    assert hint in said.stderr.splitlines()[-1]


@pytest.mark.parametrize("line", RUNS, ids=" ".join)
def test_a_dry_run_as_json_is_what_plan_prints(tmp_path: Path, line: list[str]) -> None:
    """Every command that runs filters has both flags, and --json alone is refused."""
    source = tmp_path / "in.npy"
    np.save(source, np.zeros((30, 20), "i4"))
    own = ["--size", "3"] if line == ["median"] else []
    told = json.loads(coord(*line, source, *own, "--dry-run", "--json").stdout)
    assert told.keys() == json.loads(coord("plan", source, "--json").stdout).keys()
    assert [path.name for path in tmp_path.iterdir()] == ["in.npy"]
    alone = coord(*line, source, *own, "--json")
    assert alone.exit_code == 2
    assert "--dry-run" in alone.stderr


def completed(words: str, **environ: str) -> list[str]:
    """Return what bash would be offered for the last of these words."""
    done = subprocess.run(
        [sys.executable, "-c", "from coordinator.cli.main import app; app(prog_name='coord')"],
        env={
            **os.environ,
            "_COORD_COMPLETE": "complete_bash",
            "COMP_WORDS": words,
            "COMP_CWORD": str(len(words.split(" ")) - 1),
            **environ,
        },
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


def test_completion(tmp_path: Path) -> None:
    """Commands, options, filters, modes of every command, and workers of the hosts file."""
    (tmp_path / "hosts.toml").write_text('hosts = ["node1:8080", "node2:8080", "other:1"]')
    hosts = {"TILEFAN_HOSTS": str(tmp_path / "hosts.toml")}
    assert completed("coord pre") == ["preview"]
    assert completed("coord blur --keep") == ["--keep-going"]
    assert completed("coord filter binary_o") == ["binary_opening"]
    for command in ("blur", "plan", "median", "filter sobel"):
        assert completed(f"coord {command} --mode wrap,mi") == ["wrap,mirror"]
    assert completed("coord hosts node", **hosts) == ["node1:8080", "node2:8080"]
    assert completed("coord completion z") == ["zsh"]
    assert completed("coord blur in.npy --progress js") == ["json"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts_for_shells(shell: str) -> None:
    """A script is printed that asks coord, as the shell wants it."""
    printed = coord("completion", shell)
    assert printed.exit_code == 0
    assert f"_COORD_COMPLETE=complete_{shell}" in printed.stdout
