"""`coord token`: the lines that copy it, and the copy by ssh, on which no command line has it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from coordinator.cli.main import app
from coordinator.errors import InputError, StoreError, TrustError
from coordinator.hosts.token import Credential
from coordinator.workflows.share_token import checked, copy_lines, describe, reveal, send
from tiling.protocol.token import Token

TOKEN = Token.parse("s3cret-s3cret-s3cret-s3cret-s3cret")
NONE = Credential(Path("/nowhere/token"))

FAKE_SSH = """#!/bin/sh
printf '%s\\n' "$@" > "$FAKE_SSH_SAID"
[ "$1" = -- ] || exit 255
[ "$2" = lost ] && exit 255
exec sh -c "$3"
"""


@pytest.fixture
def credential(tmp_path: Path) -> Credential:
    path = tmp_path / "a folder" / "token"
    path.parent.mkdir()
    path.touch(0o600)
    path.write_text(TOKEN.reveal())
    return Credential(path, TOKEN)


@pytest.fixture
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A program in the place of ssh, which runs what it is told in a home of its own."""
    program = tmp_path / "ssh"
    program.write_text(FAKE_SSH)
    program.chmod(0o700)
    monkeypatch.setenv("FAKE_SSH_SAID", str(tmp_path / "said"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return str(program)


def test_where_it_is(credential: Credential) -> None:
    """The place without the secret; the secret only where it is asked for by name."""
    assert str(credential.path) in describe(credential)
    assert TOKEN.reveal() not in describe(credential)
    assert reveal(credential) == TOKEN.reveal()
    assert "the variable TILEFAN_TOKEN" in describe(Credential(None, TOKEN))


@pytest.mark.parametrize("ask", [describe, reveal, lambda c: list(copy_lines(c, ["node1"]))])
def test_there_is_none(ask: object) -> None:
    """What to do about it, and exit code 6."""
    assert callable(ask)
    with pytest.raises(TrustError, match="start `worker --pair`"):
        ask(NONE)


def test_the_lines_do_it(credential: Credential) -> None:
    """A folder that nobody else may enter, and a copy that keeps mode 600; no secret in either."""
    lines = list(copy_lines(credential, ["node1", "me@10.0.0.2"]))
    assert lines == [
        "ssh node1 'umask 077 && mkdir -p ~/.config/tilefan'",
        f"scp -p '{credential.path}' node1:.config/tilefan/token",
        "ssh me@10.0.0.2 'umask 077 && mkdir -p ~/.config/tilefan'",
        f"scp -p '{credential.path}' me@10.0.0.2:.config/tilefan/token",
    ]


def test_a_token_without_a_file_can_be_sent_only() -> None:
    """There is nothing that scp could take."""
    with pytest.raises(InputError, match="add --run"):
        list(copy_lines(Credential(None, TOKEN), ["node1"]))


@pytest.mark.parametrize("before", [None, 0o644, 0o600])
def test_ssh_is_given_it_on_its_input(
    credential: Credential, ssh: str, tmp_path: Path, before: int | None
) -> None:
    """It arrives with mode 600, whatever was there; no argument has it."""
    path = tmp_path / "home" / ".config" / "tilefan" / "token"
    if before is not None:
        path.parent.mkdir(parents=True)
        path.write_text("another")
        path.chmod(before)
    send(credential, "me@node1", ssh)
    said = (tmp_path / "said").read_text()
    assert said.startswith("--\nme@node1\nsh -c ")
    assert TOKEN.reveal() not in said
    assert path.read_text() == f"{TOKEN.reveal()}\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_what_ssh_runs_is_what_any_shell_understands(credential: Credential, ssh: str) -> None:
    """POSIX sh, and one word for whatever login shell is there."""
    send(credential, "node1", ssh)
    script = Path(os.environ["FAKE_SSH_SAID"]).read_text().partition("node1\n")[2]
    assert script.count("\n") == 1
    subprocess.run(["sh", "-n", "-c", script], check=True)


def test_ssh_fails(credential: Credential, ssh: str) -> None:
    """The machine is named, and so is a program that is missing."""
    with pytest.raises(TrustError, match="lost: ssh ended with 255"):
        send(credential, "lost", ssh)
    with pytest.raises(StoreError, match="can't be run: No such file"):
        send(credential, "node1", f"{ssh}-none")


@pytest.mark.parametrize(
    "target",
    [
        *("", "-oProxyCommand=x", "--", "me@-oX", "-l@node1", "node1:22", "node1;id", "node1 id"),
        *("$(id)", "`id`", "node1\n", "a@b@c", "../x", "node1/x", "n\u00f6de", "me@", "@node1"),
    ],
)
def test_what_is_no_target(target: str) -> None:
    """An option, a command, a path, a port."""
    with pytest.raises(InputError, match="no target of ssh"):
        checked(["node1", target])


@pytest.mark.parametrize(
    "arguments",
    [("show", "node1"), ("show", "--run"), ("copy", "node1", "--reveal"), ("lend",)],
    ids=" ".join,
)
def test_what_does_not_go_together(arguments: tuple[str, ...]) -> None:
    """Is refused with exit code 2, and nothing is done."""
    assert CliRunner().invoke(app, ["token", *arguments]).exit_code == 2


def test_to_nobody() -> None:
    """Somebody must be named."""
    with pytest.raises(InputError, match="to which machines"):
        checked([])
