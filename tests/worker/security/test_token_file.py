"""The token's file: made with care, read with suspicion."""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.processes import running_workers
from tests.worker.test_cli import run
from tiling.errors import BadValueError
from tiling.protocol.token import Token
from worker.errors import TokenFileError
from worker.security.token_file import SharedToken, find_token, load_token

GOOD = b"0123456789abcdef0123456789abcdef"


def test_a_missing_file_is_made(tmp_path: Path) -> None:
    """256 bits, for nobody else to read, in folders that nobody else may enter; then it stays."""
    path = tmp_path / "config" / "tilefan" / "token"
    token, made = load_token(path)
    assert made
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert len(path.read_text().strip()) == 43  # 32 bytes in base64
    assert load_token(path) == (token, False)
    assert os.listdir(path.parent) == ["token"]  # noqa: PTH208 - names are what is compared
    assert load_token(tmp_path / "another")[0] != token


def test_workers_that_start_at_once_share_one_token(tmp_path: Path) -> None:
    """Whoever comes second takes what the first one made."""
    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(load_token, [tmp_path / "token"] * 32))
    assert len({token.header for token, _ in results}) == 1
    assert sum(made for _, made in results) == 1


def test_what_names_the_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The option, TILEFAN_TOKEN, TILEFAN_TOKEN_FILE, the user's own file: the first there is."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    text, option, named = GOOD.decode(), tmp_path / "option", tmp_path / "named"
    environ = {"TILEFAN_TOKEN": text, "TILEFAN_TOKEN_FILE": str(named)}
    assert find_token(option, environ).path == option
    assert find_token(None, environ) == SharedToken(Token.parse(text))
    assert not named.exists()
    assert find_token(None, {**environ, "TILEFAN_TOKEN": ""}).path == named
    assert find_token(None, {}).path == tmp_path / "tilefan" / "token"
    with pytest.raises(TokenFileError, match="the variable TILEFAN_TOKEN: it must hold") as error:
        find_token(None, {"TILEFAN_TOKEN": "too short"})
    assert "too short" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "mode", "reason"),
    [
        pytest.param(GOOD, 0o644, "others have access to it", id="all"),
        pytest.param(GOOD, 0o640, "others have access to it", id="group"),
        pytest.param(GOOD, 0o602, "others have access to it", id="writable"),
        pytest.param(b"", 0o600, "it is empty", id="empty"),
        pytest.param(b" \n", 0o600, "it is empty", id="blank"),
        pytest.param(GOOD[:31], 0o600, "it must hold", id="short"),
        pytest.param(GOOD + b"\n" + GOOD, 0o600, "it must hold", id="two lines"),
        pytest.param(b"\xff" * 40, 0o600, "it must hold", id="binary"),
        pytest.param(b"a" * 2000, 0o600, "it must hold", id="long"),
    ],
)
def test_a_file_that_can_not_be_trusted(
    tmp_path: Path, content: bytes, mode: int, reason: str
) -> None:
    """The reason is told, the content never; nothing is made in its place."""
    path = tmp_path / "token"
    path.write_bytes(content)
    path.chmod(mode)
    with pytest.raises(TokenFileError, match=reason) as error:
        load_token(path)
    assert str(path) in str(error.value)
    assert content[:16].decode("latin-1") not in str(error.value) or not content.strip()
    assert path.read_bytes() == content


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    """What can't be read is an error, never a silent fall-back."""
    with pytest.raises(TokenFileError, match="Is a directory"):
        load_token(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(TokenFileError, match="File exists"):
        load_token(tmp_path / "file" / "token")


def test_white_space_around_it_is_dropped() -> None:
    """As editors and `echo` leave it."""
    assert Token.from_file(GOOD + b"\r\n", 0o600) == Token.from_file(GOOD, 0o600)
    with pytest.raises(BadValueError):
        Token.from_file(GOOD, 0o604)


def status(url: str, token: str | None) -> int:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_a_worker_is_closed_without_being_told(tmp_path: Path) -> None:
    """A first start makes the token and says where; only who has it is served."""
    home = {"XDG_CONFIG_HOME": str(tmp_path), "TILEFAN_TOKEN_FILE": ""}
    path = tmp_path / "tilefan" / "token"
    with running_workers(1, env=home, insecure=False) as (worker,):
        secret = path.read_text().strip()
        assert status(f"{worker.url}/v1/health", None) == 401
        assert status(f"{worker.url}/v1/health", "x" * 43) == 401
        assert status(f"{worker.url}/v1/health", secret) == 200
        assert worker.stop() == 0
        assert f"made a token in {path}" in worker.stderr()
        assert secret not in worker.stderr()
    other = tmp_path / "other"
    with running_workers(1, env={"TILEFAN_TOKEN_FILE": str(other)}, insecure=False) as (worker,):
        assert status(f"{worker.url}/v1/health", secret) == 401
        assert status(f"{worker.url}/v1/health", other.read_text().strip()) == 200
    with running_workers(1, "--token-file", str(path), env=home, insecure=False) as (worker,):
        assert status(f"{worker.url}/v1/health", secret) == 200
        assert worker.complaints() == ""


def test_a_file_that_is_exposed_stops_the_start(tmp_path: Path) -> None:
    """One sentence with the cure, and exit code 6."""
    path = tmp_path / "token"
    path.write_bytes(GOOD)
    path.chmod(0o644)
    result = run("--host", "127.0.0.1", "--token-file", str(path), "--port", "0")
    assert (result.returncode, result.stdout) == (6, "")
    assert (
        result.stderr
        == f"worker: token file {path}: others have access to it (mode 644): chmod 600 it\n"
    )


def test_what_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    """A pipe without a writer is not waited for, and one with a writer is not read."""
    path = tmp_path / "pipe"
    os.mkfifo(path, 0o600)
    with pytest.raises(TokenFileError, match="no regular file"):
        load_token(path)
    writer = os.open(path, os.O_RDWR)
    try:
        os.write(writer, GOOD)
        with pytest.raises(TokenFileError, match="no regular file"):
            load_token(path)
    finally:
        os.close(writer)


def test_somebody_elses_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who owns the file could change it."""
    path = tmp_path / "token"
    path.write_bytes(GOOD)
    path.chmod(0o600)
    if path.stat().st_uid == 0:
        os.chown(path, 4242, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 4242)
    with pytest.raises(TokenFileError, match="belongs to somebody else"):
        load_token(path)
