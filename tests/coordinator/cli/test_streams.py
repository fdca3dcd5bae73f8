"""Closed, full and broken standard streams, and signals before anything was begun."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from coordinator import __main__ as start
from coordinator.cli.fold import echo
from tests.coordinator.display.test_listener import read

TABLE = 80
"""Columns that a table of workers takes."""

COORD = f"{sys.executable} -m coordinator"


def shell(folder: Path, line: str) -> tuple[int, str]:
    """Run a line of bash in which COORD is the command; return its code and what it said."""
    script = f"exec 9>code; {line.replace('COORD', COORD)}; echo ${{PIPESTATUS[0]}} >&9"
    env = {"PYTHONPATH": str(Path(__file__).parents[3]), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        ["bash", "-c", script], cwd=folder, env=env, capture_output=True, text=True, check=True
    )
    return int((folder / "code").read_text()), done.stdout + done.stderr


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        ("COORD blur in.npy -o out.npy >&-", 0, "wrote out.npy"),
        ("COORD blur in.npy -o out.npy 2>&-", 0, ""),
        ("COORD blur in.npy -o out.npy <&- >&- 2>&-", 0, ""),
        ("COORD blur in.npy -o out.npy 2>/dev/full", 0, ""),
        ("COORD filters >/dev/full", 7, "standard output: No space left on device"),
        ("COORD plan in.npy >/dev/full", 7, "standard output: No space left on device"),
        ("COORD --help >/dev/full", 7, "standard output: No space left on device"),
        (f"COORD blur in.npy -o out.npy --report {'r' * 300}", 7, "rrr: File name too long"),
        ("COORD filters | true", 7, ""),
    ],
)
def test_streams_that_take_nothing(tmp_path: Path, line: str, code: int, words: str) -> None:
    """The documented code, no traceback, and an output that is not printed into."""
    np.save(tmp_path / "in.npy", np.arange(100.0))
    got, said = shell(tmp_path, line)
    if "| true" in line:
        assert got in (0, code)  # by the time it is written, somebody may still read
    else:
        assert got == code, said
    assert words in said
    assert "Traceback" not in said
    assert "Exception ignored" not in said
    if code == 0:
        assert np.load(tmp_path / "out.npy").shape == (100,)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_modules_load(number: signal.Signals) -> None:
    """One sentence and its exit code, however early it comes."""
    code = (
        "import builtins, os, sys\n"
        "from coordinator.__main__ import main\n"
        "load = builtins.__import__\n"
        "def loading(name, *rest, **more):\n"
        "    if name == 'typer':\n"
        f"        os.kill(os.getpid(), {int(number)})\n"
        "    return load(name, *rest, **more)\n"
        "builtins.__import__ = loading\n"
        "sys.argv = ['coord', 'filters']\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(start.__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 128 + number
    assert done.stderr == "coord: interrupted: nothing was written\n"


@pytest.mark.parametrize("err", [False, True])
def test_names_give_a_terminal_no_orders(capsys: pytest.CaptureFixture[str], err: bool) -> None:
    """Escape sequences and control characters, of 7 and of 8 bits, are shown as question marks."""
    echo("coord: \x1b]0;t\x07\x1b[31mred\x9b2J.npy: no such file\nnext", err=err)
    said = "".join(capsys.readouterr())
    assert said == "coord: ?]0;t??[31mred?2J.npy: no such file\nnext\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("name", ["there.npy", "missing.npy"])
def test_a_signal_while_an_end_is_told(tmp_path: Path, number: signal.Signals, name: str) -> None:
    """Its exit code and no traceback, after a command that went well and after one that failed."""
    np.save(tmp_path / "there.npy", np.arange(9.0))
    code = (
        "import os, sys\n"
        "from coordinator.cli import exit, main\n"
        f"kill = lambda _: os.kill(os.getpid(), {int(number)})\n"
        "exit.say = main.leave = kill\n"
        f"sys.argv = ['coord', 'info', {name!r}]\n"
        "main.main()\n"
    )
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 128 + number
    assert done.stderr == ""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_while_a_code_is_asked_for(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    """It is an interruption as anywhere else, and no missing code."""
    command = [sys.executable, "-m", "coordinator", "pair", "node1:8080"]
    env = {"PYTHONPATH": str(Path(__file__).parents[3]), "HOME": str(tmp_path)}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, env=env) as process:
        assert process.stdout
        assert process.stdout.read(6) == b"code: "
        while process.poll() is None:  # it may come a moment before the reading begins
            process.send_signal(number)
            with suppress(subprocess.TimeoutExpired):
                process.wait(1)
        assert process.stderr
        assert b"no code" not in process.stderr.read()
    assert process.returncode == code


@pytest.mark.parametrize("columns", [40, 80])
@pytest.mark.parametrize(
    "line",
    [
        "filters",
        "token show",
        "config",
        "blur in.npy --mode grid-mirror",
        "blur in.npy --nonsense --nonsense",
        "doctor --hosts localhost:1",
        "hosts --hosts localhost:1,localhost:2",
    ],
)
def test_a_terminal_gets_whole_words(tmp_path: Path, line: str, columns: int) -> None:
    """No line of several words is longer than the terminal: those break where words do."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    env = {"PYTHONPATH": str(Path(__file__).parents[3]), "TERM": "dumb"}
    env["XDG_CONFIG_HOME"] = str(tmp_path)
    command = [*COORD.split(), *line.split()]
    with subprocess.Popen(command, cwd=tmp_path, env=env, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        written = b"".join(iter(lambda: read(ours), b"")).decode()
        process.wait(30)
    os.close(ours)
    assert "Traceback" not in written
    table = ("worker ", "localhost:") if columns < TABLE else ()
    lines = [line.rstrip() for line in written.splitlines() if not line.startswith(table)]
    assert [line for line in lines if len(line) > columns and " " in line.strip()] == []
