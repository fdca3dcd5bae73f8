"""The token is in nothing that a run emits: output, logs, tracebacks, journals, reports."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import subprocess
import sys
import traceback
from pathlib import Path

import numpy as np
import pytest

from coordinator import Fleet
from coordinator.errors import TilefanError
from tests.support.hostile_worker import Honest, hostile_worker
from tests.support.processes import running_workers

SECRET = "s3cret-s3cret-s3cret-s3cret-s3cret"
SPELLINGS = (SECRET.encode(), SECRET.encode("utf-16-le"), base64.b64encode(SECRET.encode())[:-4])
IMAGE = np.random.default_rng(13).standard_normal((32, 32))


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    folder = tmp_path / "secret"
    folder.mkdir()
    path = folder / "token"
    path.touch(0o600)
    path.write_text(SECRET)
    return path


def coord(folder: Path, *arguments: str) -> tuple[int, bytes]:
    """Run a command as talkative as Python can make it; return its code and all it printed."""
    command = [sys.executable, "-X", "dev", "-W", "default", "-m", "coordinator", *arguments]
    env = {**os.environ, "PYTHONASYNCIODEBUG": "1", "TILEFAN_HOSTS": "hosts.toml"}
    done = subprocess.run(
        command, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    return done.returncode, done.stdout


def assert_clean(*texts: bytes) -> None:
    for text in texts:
        for spelling in SPELLINGS:
            assert spelling not in text, text


def files_in(folder: Path) -> list[bytes]:
    """Return what is in every file of a folder but the token's."""
    return [
        path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name != "token"
    ]


def test_a_run_that_succeeds(tmp_path: Path, token_file: Path) -> None:
    """Display, JSON, doctor, verification, the worker's log and the output are clean."""
    np.save(tmp_path / "in.npy", IMAGE)
    with running_workers(1, "--token-file", str(token_file), insecure=False) as (worker,):
        (tmp_path / "hosts.toml").write_text(worker.hosts_toml)
        option = ("--token-file", str(token_file))
        said = [
            coord(tmp_path, "doctor", *option),
            *(
                coord(tmp_path, "blur", "in.npy", "--verify", "9%", "--overwrite", *option, *more)
                for more in (("--progress", "plain"), ("--progress", "json"), ("-q",))
            ),
        ]
        assert [code for code, _ in said] == [0, 0, 0, 0], said
        assert_clean(*(text for _, text in said), *files_in(tmp_path), worker.stderr().encode())
        assert_clean(worker.said.encode())
        assert worker.stop() == 0


def reflect(honest: Honest) -> None:
    """Answer one tile, and refuse the others with the token in the words."""
    if honest.answer.tile == 0:
        honest.send(honest.headers, honest.body)
        return
    text = {"type": "x", "detail": f"you sent {honest.handler.headers['Authorization']}"}
    honest.send({"Content-Type": "application/problem+json"}, json.dumps(text).encode(), 400)


def test_a_run_that_fails(tmp_path: Path, token_file: Path) -> None:
    """The journal, the error and the traceback are clean, though the worker repeats the token."""
    np.save(tmp_path / "in.npy", IMAGE)
    with hostile_worker(reflect) as evil:
        (tmp_path / "hosts.toml").write_text(f'hosts = ["{evil.address}"]')
        option = ("--token-file", str(token_file), "--tile", "16", "--progress", "json")
        code, text = coord(tmp_path, "blur", "in.npy", *option)
        assert code == 4, text
        assert b"you sent Bearer (token)" in text
        left = files_in(tmp_path)
        assert len(left) >= 4  # in, hosts, the partial output and its journal
        assert_clean(text, *left)
        with Fleet([evil.address], token_file=token_file) as fleet:
            with pytest.raises(TilefanError) as caught:
                fleet.gaussian_filter(IMAGE, 1.0, tile=16)
            shown = "".join(traceback.format_exception(caught.value))
            assert_clean(shown.encode(), repr(fleet).encode(), repr(vars(fleet)).encode())


def test_a_wrong_token(tmp_path: Path, token_file: Path) -> None:
    """Neither the worker nor the coordinator tells the tokens that did not match."""
    other = token_file.with_name("other")
    other.touch(0o600)
    other.write_text("another-another-another-another-another")
    np.save(tmp_path / "in.npy", IMAGE)
    with running_workers(1, "--token-file", str(other), insecure=False) as (worker,):
        (tmp_path / "hosts.toml").write_text(worker.hosts_toml)
        code, text = coord(tmp_path, "blur", "in.npy", "--token-file", str(token_file))
        assert code == 6, text
        assert b"copy the token file from the worker's machine" in text
        assert b"another-another" not in text
        assert_clean(text, worker.stderr().encode())


def command_lines() -> bytes:
    """Return those of all processes, as `ps` shows them to every user."""
    found = b""
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found += process.read_bytes()
    return found


def test_a_token_in_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker, a run and the commands about settings use it, and neither show nor store it."""
    monkeypatch.setenv("TILEFAN_TOKEN", SECRET)
    np.save(tmp_path / "in.npy", IMAGE)
    with running_workers(1, "--pair", insecure=False) as (worker,):
        (tmp_path / "hosts.toml").write_text(f'hosts = ["{worker.address}"]')
        said = [
            coord(tmp_path, *arguments)
            for arguments in (
                ("blur", "in.npy", "--progress", "plain"),
                ("doctor",),
                ("config",),
                ("token", "show"),
                ("token", "copy", "node1"),
                ("--debug", "token", "copy", "-oX"),
                ("--debug", "pair", worker.address, "000000"),
            )
        ]
        assert [code for code, _ in said] == [0, 0, 0, 0, 2, 2, 6], said
        assert_clean(*(text for _, text in said), *files_in(tmp_path), worker.stderr().encode())
        assert_clean(worker.said.encode(), command_lines())
        assert worker.stop() == 0
    assert coord(tmp_path, "token", "show", "--reveal") == (0, f"{SECRET}\n".encode())


@pytest.mark.parametrize(
    "arguments",
    [("hosts",), ("plan", "in.npy"), ("blur", "in.npy", "--dry-run"), ("doctor",)],
    ids=" ".join,
)
def test_clear_text_is_warned_of(
    tmp_path: Path, token_file: Path, arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every command that sends the token over plain http to another machine says so, once."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    np.save(tmp_path / "in.npy", IMAGE)
    hosts = 'hosts = ["192.0.2.1:9"]\n[defaults]\nconnect_timeout_s = 0.1\n'
    (tmp_path / "hosts.toml").write_text(hosts)
    _, text = coord(tmp_path, *arguments, "--token-file", str(token_file))
    assert text.count(b"in clear text") == 1, text
    assert_clean(text)
