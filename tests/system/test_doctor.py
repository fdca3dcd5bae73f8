"""`coord doctor`: the table, the fixes and the exit codes."""

from __future__ import annotations

import http.server
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from coordinator.engines.http.health import Health
from coordinator.text import inert
from coordinator.workflows.doctor import COLUMNS, Finding, table
from tests.support.processes import WorkerProcess, running_workers
from tests.support.worker_in_thread import worker_thread
from tests.system.test_attestation import one_ulp_more
from tiling.protocol.wire import PROTOCOL

SECRET = "s3cret-s3cret-s3cret-s3cret-s3cret"


def doctor(folder: Path, *hosts: str) -> subprocess.CompletedProcess[str]:
    """Examine hosts from the command line, without a token of one's own."""
    path = folder / "hosts.toml"
    path.write_text(f"hosts = {list(hosts)}".replace("'", '"'))
    command = [sys.executable, "-m", "coordinator", "doctor", "--hosts", str(path)]
    env = {"XDG_CONFIG_HOME": str(folder), "COLUMNS": "200", "PATH": "/usr/bin"}
    return subprocess.run(
        command, capture_output=True, text=True, env=env, timeout=120, check=False
    )


def rows(text: str) -> dict[str, list[str]]:
    """Return the cells of the table by worker: columns end where their titles end."""
    head, *lines = text[text.index("\nworker ") + 1 :].splitlines()
    stops = [title.end() for title in re.finditer(r"\S+", head)][1:]
    found = {}
    for line in lines:
        name = line.partition(" ")[0]
        starts = [len(name), *stops]
        found[name] = [line[a:b].strip() for a, b in zip(starts, stops, strict=False)]
    return found


def test_a_fleet_that_can_serve(two_workers: list[WorkerProcess], tmp_path: Path) -> None:
    """Each worker has its row; one that is not there is named with what to do."""
    result = doctor(tmp_path, *(worker.address for worker in two_workers), "127.0.0.1:1")
    assert result.returncode == 0, result.stderr
    found = rows(result.stdout)
    for worker in two_workers:
        row = dict(zip(COLUMNS[1:], found[worker.address], strict=True))
        assert (row["reached"], row["token"], row["bits"]) == ("yes", "yes", "yes")
        assert float(row["MB/s"].replace(",", "")) > 0
        assert row["trip"]
    assert found["127.0.0.1:1"] == ["NO", *[""] * 8]
    assert "127.0.0.1:1: connection refused: start `worker --port 1` there" in result.stdout


def test_who_opens_files(two_workers: list[WorkerProcess], tmp_path: Path) -> None:
    """It is told of each worker whether it serves folders, and not which."""
    secret = tmp_path / "of-this-worker-alone"
    secret.mkdir()
    with running_workers(1, "--serve-from", str(secret)) as (serving,):
        result = doctor(tmp_path, serving.address, two_workers[0].address)
    assert result.returncode == 0, result.stderr
    at = COLUMNS[1:].index("places")
    found = {name: row[at] for name, row in rows(result.stdout).items()}
    assert found == {serving.address: "yes", two_workers[0].address: "no"}
    assert secret.name not in result.stdout + result.stderr


def test_nobody_is_there(tmp_path: Path) -> None:
    """A fleet that can't be reached ends with 3."""
    result = doctor(tmp_path, "127.0.0.1:1")
    assert result.returncode == 3, result.stderr
    assert "no usable worker" in result.stderr
    assert result.stderr.count("start `worker --port 1` there") == 1
    assert "8080" not in result.stderr


@pytest.mark.parametrize("kind", ["not a worker", "encrypts"])
def test_who_could_not_be_shown_a_token(kind: str, tmp_path: Path) -> None:
    """Nobody can say whether it would be taken, and none is told to start what is there."""
    with answering(kind, tmp_path) as address:
        result = doctor(tmp_path, address)
    assert result.returncode == 3, result.stderr
    assert rows(result.stdout)[address][:3] == ["yes", "", ""]
    said = {"not a worker": "is no tilefan worker", "encrypts": "write https:// before its name"}
    assert said[kind] in result.stderr
    assert "worker --port" not in result.stderr


def test_a_name_that_nobody_knows(tmp_path: Path) -> None:
    """It is to be checked: starting a worker there would not help."""
    result = doctor(tmp_path, "nobody.invalid:8080")
    assert result.returncode == 3, result.stderr
    assert "nobody knows that name: check it" in result.stderr
    assert "worker --port" not in result.stderr


@contextmanager
def answering(kind: str, folder: Path) -> Iterator[str]:
    """Yield the address of a web server, or of a worker that wants TLS."""
    if kind == "encrypts":
        with running_workers(1, "--tls", env={"XDG_CONFIG_HOME": str(folder)}) as (worker,):
            yield worker.address
        return
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), JustFine) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


class JustFine(http.server.BaseHTTPRequestHandler):
    """Answers everything by a page."""

    def do_GET(self) -> None:
        """Send it."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<html>")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_a_token_is_wanted(tmp_path: Path) -> None:
    """A fleet that does not let us in ends with 6 and the file to copy."""
    token = tmp_path / "secret"
    token.touch(0o600)
    token.write_text(SECRET)
    with running_workers(1, "--token-file", str(token), insecure=False) as (worker,):
        result = doctor(tmp_path, worker.address)
    assert result.returncode == 6, result.stderr
    assert rows(result.stdout)[worker.address][:3] == ["yes", "NO", ""]
    assert f"coord pair {worker.address} CODE`; or copy its token file to" in result.stderr
    assert str(tmp_path / "tilefan" / "token") in result.stderr
    assert SECRET not in result.stdout + result.stderr


def test_other_bits(tmp_path: Path) -> None:
    """A worker that computes other bits is named with the first probe."""
    with worker_thread(one_ulp_more) as address:
        result = doctor(tmp_path, address)
    assert result.returncode == 3
    row = dict(zip(COLUMNS[1:], rows(result.stdout)[address], strict=True))
    assert (row["kernel"], row["bits"]) == ("strange", "NO")
    assert "computes other bits than SciPy 1.17: float32-float32-reflect" in result.stderr


@pytest.mark.parametrize("evil", ["\x1b[31mred", "[bold]loud[/bold]", "a\nb", "x" * 10_000])
def test_what_workers_say_stays_text(evil: str) -> None:
    """Neither escape sequences nor markup of a worker's do anything."""
    said = {"protocol": PROTOCOL, "version": evil, "slots": evil, "kernel": evil}
    finding = Finding("w", True, True, Health.parse(said))
    cells = finding.cells
    assert all(cell.isprintable() for cell in cells)
    assert cells[3] == inert(evil)[:20]
    assert table([finding]).row_count == 1
