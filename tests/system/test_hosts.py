"""`coord hosts`, `coord config`, completion and `--debug`."""

from __future__ import annotations

import http.server
import io
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from coordinator.engines.http.health import Health
from coordinator.workflows.watch import COLUMNS, WorkerStatus, status_table
from tests.coordinator.cli.test_cli import ENVIRONMENT, coord, refused
from tests.support.coordinators import wait_until
from tests.support.documents import free_ports
from tests.support.processes import WorkerProcess, running_workers
from tests.system.test_doctor import rows
from tiling.protocol.wire import PROTOCOL

WIDE = {**ENVIRONMENT, "COLUMNS": "200"}


@pytest.fixture
def folder(tmp_path: Path, two_workers: list[WorkerProcess]) -> Path:
    addresses = [*(worker.address for worker in two_workers), "127.0.0.1:1"]
    (tmp_path / "hosts.toml").write_text(f"hosts = {addresses}".replace("'", '"'))
    return tmp_path


def test_who_is_there(folder: Path, two_workers: list[WorkerProcess]) -> None:
    """Each worker has a row; one that is not there has its reason."""
    done = coord(folder, "hosts", env=WIDE)
    assert done.returncode == 0, done.stderr
    found = rows(done.stdout)
    for worker in two_workers:
        row = dict(zip(COLUMNS[1:], found[worker.address], strict=True))
        assert row["state"] == "ready"
        assert int(row["slots"]) >= 1
    assert found["127.0.0.1:1"][0] == "lost"
    assert "127.0.0.1:1: connection refused" in done.stdout


def test_some_of_them(folder: Path, two_workers: list[WorkerProcess]) -> None:
    """Those that are named, and no others; nobody there is exit code 3."""
    name = two_workers[0].address
    assert set(rows(coord(folder, "hosts", name, env=WIDE).stdout)) == {name}
    assert coord(folder, "hosts", "127.0.0.1:1").returncode == 3
    refused(coord(folder, "hosts", "node9:1"), 2, "node9:1: not in the hosts file")


def test_refused(tmp_path: Path) -> None:
    """A worker that wants another token is there, and is not lost."""
    token = tmp_path / "token"
    token.touch(0o600)
    token.write_text("t" * 32)
    with running_workers(1, "--token-file", str(token), insecure=False) as (worker,):
        done = coord(tmp_path, "hosts", "--hosts", worker.address, env=WIDE)
    assert done.returncode == 6, done.stderr
    assert rows(done.stdout)[worker.address][0] == "refused"
    assert "no worker that can be trusted, or that trusts us" in done.stderr


def test_a_table_fits_into_eighty_columns() -> None:
    """Nothing is cut but a name that is too long, which goes on below."""
    health = {"status": "draining", "slots": 128, "in_flight": 128, "queue": 128, "uptime_s": 9e5}
    memory = {"resident_bytes": 10**11}
    said = {**health, "protocol": PROTOCOL, "kernel": "reference", "memory": memory}
    seen = WorkerStatus("node.cluster.example:8080", Health.parse(said), 2)
    console = Console(width=80, file=io.StringIO(), record=True)
    console.print(status_table([seen]))
    text = console.export_text()
    assert "…" not in text
    assert all(word in text for word in ("draining", "100,000", "250:00:00", "reference", "2.0 s"))
    assert max(map(len, text.splitlines())) <= 80


class CountingServer(http.server.HTTPServer):
    """A web server that is no worker, and counts how often it is asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)  # answers 501
        self.requests = 0

    def process_request(self, request: Any, client_address: Any) -> None:
        self.requests += 1
        super().process_request(request, client_address)


def test_watch_until_interrupted(folder: Path, two_workers: list[WorkerProcess]) -> None:
    """It asks again and again until Ctrl-C, which is no error."""
    with CountingServer() as server, ThreadPoolExecutor(1) as pool:
        pool.submit(server.serve_forever, 0.05)
        addresses = [worker.address for worker in two_workers]
        addresses.append(f"127.0.0.1:{server.server_port}")
        (folder / "hosts.toml").write_text(f"hosts = {addresses}".replace("'", '"'))
        try:
            said = interrupted_watch(folder, lambda: server.requests >= 2)
        finally:
            server.shutdown()
    assert "2 of 3 workers" in said


def interrupted_watch(folder: Path, happened: Callable[[], bool]) -> str:
    """Watch until something has happened, interrupt, and return what was printed."""
    with subprocess.Popen(
        [sys.executable, "-m", "coordinator", "hosts", "--watch"],
        cwd=folder, env=WIDE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    ) as process:  # fmt: skip
        try:
            wait_until(happened, "it has asked twice")
            assert process.poll() is None
            process.send_signal(signal.SIGINT)
            said, complaint = process.communicate(timeout=60)
        finally:
            process.kill()
    assert (process.returncode, complaint) == (0, "")
    return said


@pytest.mark.parametrize("evil", ["\x1b[31mred", "[bold]loud[/bold]", "a\nb", "x" * 10_000])
def test_what_workers_say_stays_text(evil: str) -> None:
    """Whatever a worker says of itself, the row is printable and short."""
    keys = ("status", "slots", "in_flight", "queue", "uptime_s", "kernel", "memory")
    said = {"protocol": PROTOCOL, **dict.fromkeys(keys, evil), "memory": {"resident_bytes": evil}}
    seen = WorkerStatus("w", Health.parse(said))
    assert all(cell.isprintable() and len(cell) <= 12 for cell in seen.cells)
    status_table([seen, WorkerStatus("v", trouble=evil)])


@pytest.mark.parametrize(
    "evil",
    [float("nan"), float("inf"), -1, 1e300, 10**400, True, [[]], {"a": {}}, None, "\x1b[2J"],
    ids=lambda value: repr(value)[:10],
)
def test_absurd_facts_are_not_shown(evil: object) -> None:
    """Nor do they end a command."""
    keys = ("status", "slots", "in_flight", "queue", "uptime_s", "kernel")
    said = {"protocol": PROTOCOL, **dict.fromkeys(keys, evil), "memory": {"resident_bytes": evil}}
    seen = WorkerStatus("w", Health.parse(said))
    assert all(cell.isprintable() and len(cell) <= 12 for cell in seen.cells)
    assert seen.cells[2:7] == ("",) * 5


def test_where_settings_come_from(folder: Path) -> None:
    """Options, environment, file and defaults are told apart."""
    text = '[[hosts]]\nurl = "a:1"\nslots = 3\n[[hosts]]\nurl = "b:1"\n[defaults]\nslots = 5\n'
    (folder / "h.toml").write_text(text)
    (folder / "empty").mkdir()
    env = {**ENVIRONMENT, "TILEFAN_HOSTS": "h.toml", "XDG_CONFIG_HOME": str(folder / "empty")}
    said = {line.split()[0]: line for line in coord(folder, "config", env=env).stdout.splitlines()}
    assert said["hosts"].endswith("environment, TILEFAN_HOSTS")
    assert said["defaults.slots"].split()[1:] == ["5", "h.toml,", "[defaults]"]
    assert said["defaults.connect_timeout_s"].endswith("default")
    assert said["hosts[0].slots"].endswith("h.toml, its own")
    assert said["hosts[1].slots"].endswith("h.toml, [defaults]")
    option = coord(folder, "config", "--hosts", "h.toml", env=env).stdout
    assert option.splitlines()[0].endswith("--hosts")


def completed(folder: Path, words: str) -> set[str]:
    """Return what bash would offer after these words."""
    env = {
        **ENVIRONMENT,
        "_COORD_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
    }
    program = Path(sys.executable).with_name("coord")
    offered = subprocess.run(
        [program], cwd=folder, env=env, capture_output=True, text=True, check=False
    ).stdout.splitlines()
    return {line for line in offered if line}


def test_completion(folder: Path, two_workers: list[WorkerProcess]) -> None:
    """A shell completes filters, edge modes, styles and the names of workers."""
    assert completed(folder, "coord filter gaussian_l") == {"gaussian_laplace"}
    assert completed(folder, "coord blur in.npy --mode m") == {"mirror"}
    assert completed(folder, "coord blur in.npy --mode wrap,nea") == {"wrap,nearest"}
    assert completed(folder, "coord blur in.npy --progress r") == {"rich"}
    names = completed(folder, "coord hosts --hosts hosts.toml 1")
    assert {worker.address for worker in two_workers} < names
    assert completed(folder, "coord hosts --hosts none.toml 1") == set()


def test_debug(folder: Path) -> None:
    """A traceback is shown when asked for, before the sentence."""
    np.save(folder / "in.npy", np.zeros(3))
    quiet = coord(folder, "diff", "in.npy", "none.npy")
    loud = coord(folder, "--debug", "diff", "in.npy", "none.npy")
    assert "Traceback" not in quiet.stderr
    assert "Traceback" in loud.stderr
    assert loud.stderr.splitlines()[-1] == quiet.stderr.strip()
    assert loud.returncode == quiet.returncode == 2


def test_help_tells_exit_codes(folder: Path) -> None:
    """The codes are listed, and the commands have examples."""
    assert "5 different bits" in " ".join(coord(folder, "--help").stdout.split())
    commands = ("blur", "plan", "diff", "show", "preview", "hosts", "config", "doctor", "demo")
    for command in (*commands, "verify"):
        said = " ".join(coord(folder, command, "--help").stdout.split())
        assert f"Examples: coord {command}" in said


def test_long_names_are_not_broken(tmp_path: Path) -> None:
    """A table that is printed once has each name in one piece, however narrow the terminal is."""
    name = f"{'long-name-' * 6}x.invalid:8080"
    (tmp_path / "hosts.toml").write_text(f'hosts = ["{name}"]')
    for command in ("hosts", "doctor"):
        ended = coord(
            tmp_path, command, "--hosts", "hosts.toml", env={**ENVIRONMENT, "COLUMNS": "40"}
        )
        assert ended.returncode == 3
        assert any(line.startswith(f"{name} ") for line in ended.stdout.splitlines())


def test_workers_that_are_starting_are_awaited(tmp_path: Path) -> None:
    """Also where the first of them makes the token meanwhile; one that never comes, for so long."""
    env = {**ENVIRONMENT, "XDG_CONFIG_HOME": str(tmp_path), "COLUMNS": "200"}
    port = free_ports(1)[0]
    command = ["-m", "coordinator", "hosts", "--hosts", f"127.0.0.1:{port}", "--wait", "120"]
    awaiting = subprocess.Popen(
        [sys.executable, *command], env=env, stdout=subprocess.PIPE, text=True
    )
    try:
        with running_workers(1, "--port", str(port), env=env, insecure=False):
            said, _ = awaiting.communicate(timeout=120)
    finally:
        awaiting.kill()
        awaiting.wait()
    assert rows(said)[f"127.0.0.1:{port}"][0] == "ready"
    assert coord(tmp_path, "hosts", "--hosts", "127.0.0.1:1", "--wait", "0.2").returncode == 3


def test_only_the_named_are_awaited(tmp_path: Path, two_workers: list[WorkerProcess]) -> None:
    """Another worker of the fleet, which never comes, is not waited for."""
    name = two_workers[0].address
    words = ("hosts", name, "--hosts", f"127.0.0.1:1,{name}", "--wait", "3600")
    assert list(rows(coord(tmp_path, *words).stdout)) == [name]
