"""The coordinator's token file: found by one rule, checked, and never shown."""

from __future__ import annotations

import os
import socket
import warnings
from pathlib import Path

import pytest

from coordinator.errors import TrustError, TrustWarning
from coordinator.hosts.hosts_file import parse_hosts
from coordinator.hosts.token import Credential, find_credential, warn_of_clear_text
from tiling.protocol.token import Token

SECRET = "s3cret-s3cret-s3cret-s3cret-s3cret"
TOKEN = Token.from_file(SECRET.encode(), 0o600)


def write(path: Path, text: str = f"{SECRET}\n", mode: int = 0o600) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


def test_the_option_comes_first(tmp_path: Path) -> None:
    """The option comes first, then the environment."""
    option, named = write(tmp_path / "option"), write(tmp_path / "named", "x" * 40)
    environ = {"TILEFAN_TOKEN_FILE": str(named)}
    assert find_credential(option, environ).headers == {"Authorization": f"Bearer {SECRET}"}
    assert find_credential(None, environ).headers == {"Authorization": f"Bearer {'x' * 40}"}


def test_the_environment_comes_between(tmp_path: Path) -> None:
    """The option, TILEFAN_TOKEN, TILEFAN_TOKEN_FILE; what the first says the others do not."""
    option, named = write(tmp_path / "option", "o" * 40), write(tmp_path / "named", "n" * 40)
    environ = {"TILEFAN_TOKEN": f" {SECRET}\n", "TILEFAN_TOKEN_FILE": str(named)}
    assert find_credential(option, environ).path == option
    assert find_credential(None, environ) == Credential(None, TOKEN)
    assert find_credential(None, {**environ, "TILEFAN_TOKEN": ""}).path == named
    assert find_credential(None, {**environ, "TILEFAN_TOKEN_FILE": "/none"}).token == TOKEN


@pytest.mark.parametrize("text", ["short", f"{SECRET} {SECRET}", "\N{SNOWMAN}" * 40, " "])
def test_a_variable_that_is_no_secret(text: str) -> None:
    """Its name and what is wrong, never its text; no file is used in its place."""
    with pytest.raises(TrustError) as caught:
        find_credential(None, {"TILEFAN_TOKEN": text})
    assert str(caught.value).startswith("the variable TILEFAN_TOKEN: it ")
    assert text == " " or text not in str(caught.value)
    assert caught.value.__suppress_context__


def test_the_users_own_file_is_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing said: the configuration folder; nothing there: no token, and none is made."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    path = tmp_path / "tilefan" / "token"
    assert find_credential(None, {}) == Credential(path)
    assert find_credential(None, {}).headers == {}
    assert not path.parent.exists()
    write(path)
    assert find_credential(None, {}) == Credential(path, TOKEN)


WRONG = [
    pytest.param("", 0o600, "it is empty", id="empty"),
    pytest.param(" \n", 0o600, "it is empty", id="blank"),
    pytest.param(SECRET, 0o640, "others have access to it (mode 640): chmod 600", id="group"),
    pytest.param(SECRET, 0o604, "others have access to it (mode 604): chmod 600", id="world"),
    pytest.param("short", 0o600, "32 to 512", id="short"),
    pytest.param(f"{SECRET} {SECRET}", 0o600, "32 to 512", id="two"),
    pytest.param("x" * 2000, 0o600, "32 to 512", id="long"),
    pytest.param("\N{SNOWMAN}" * 40, 0o600, "32 to 512", id="snowmen"),
]


@pytest.mark.parametrize(("text", "mode", "says"), WRONG)
def test_a_file_that_is_no_secret(text: str, mode: int, says: str, tmp_path: Path) -> None:
    """Each mistake is named with the file and the way out, and not with the secret."""
    path = write(tmp_path / "token", text, mode)
    with pytest.raises(TrustError) as caught:
        find_credential(path, {})
    assert str(caught.value).startswith(f"token file {path}: ")
    assert says in str(caught.value)
    assert SECRET not in str(caught.value)
    assert caught.value.__suppress_context__
    assert caught.value.exit_code == 6


def test_what_is_no_file(tmp_path: Path) -> None:
    """Nothing is read from a folder, a pipe is not waited for, and a named file must be there."""
    with pytest.raises(TrustError, match="no such file; copy the token file from the worker's"):
        find_credential(tmp_path / "none", {})
    with pytest.raises(TrustError, match="no such file"):
        find_credential(None, {"TILEFAN_TOKEN_FILE": str(tmp_path / "none")})
    with pytest.raises(TrustError, match="can't be read: Is a directory"):
        find_credential(tmp_path, {})
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(TrustError, match="no regular file"):
        find_credential(tmp_path / "pipe", {})
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(TrustError, match="can't be read: Too many levels"):
        find_credential(tmp_path / "loop", {})


def test_a_file_that_pairing_is_to_write(tmp_path: Path) -> None:
    """It may be named and missing."""
    path = tmp_path / "none"
    assert find_credential(path, {}, may_be_missing=True) == Credential(path)


def test_somebody_elses_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who owns the file could change it."""
    path = write(tmp_path / "token")
    if path.stat().st_uid == 0:
        os.chown(path, 4242, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 4242)
    with pytest.raises(TrustError, match="belongs to somebody else"):
        find_credential(path, {})


def test_no_text_of_it_is_anywhere(tmp_path: Path) -> None:
    """Neither a repr nor a format shows the secret."""
    for credential in (
        find_credential(write(tmp_path / "token"), {}),
        find_credential(None, {"TILEFAN_TOKEN": SECRET}),
    ):
        for text in (repr(credential), str(credential), f"{credential.token}", credential.advice):
            assert SECRET not in text


EXPOSED = [
    (["127.0.0.1:1", "localhost:1", "[::1]:1", "127.9.9.9:1"], None),
    ([socket.gethostname()], None),
    (["https://node1"], None),
    (["node1"], "to node1:8080 in clear"),
    (["127.0.0.1:1", "node1", "https://node2", "10.0.0.1:1"], "to node1:8080 and 1 more in clear"),
]


@pytest.mark.parametrize(("hosts", "says"), EXPOSED, ids=lambda value: str(value)[:30])
def test_clear_text_is_warned_of_once(hosts: list[str], says: str | None) -> None:
    """A token for another machine over http: one warning, which says what would help."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warn_of_clear_text(parse_hosts(hosts), Credential(Path("token"), TOKEN))
        warn_of_clear_text(parse_hosts(hosts), Credential(Path("token")))
    assert [warning.category for warning in caught] == ([TrustWarning] if says else [])
    assert says is None or says in str(caught[0].message)
    assert says is None or "`worker --tls`" in str(caught[0].message)
