"""The command `worker` as its users meet it: lines, signals, exit codes."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage
from typer.testing import CliRunner

from tests.support.processes import running_workers
from worker.cli import app
from worker.runtime.port_holder import port_holder

QUICK = ("--kernel", "reference")
"""Starts at once: the native kernel would prove itself first."""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_an_idle_worker(number: signal.Signals) -> None:
    """An idle worker exits 0, with no warning."""
    with running_workers(1, *QUICK) as (worker,):
        assert worker.stop(number) == 0
        assert worker.complaints() == ""


def test_it_says_where_it_listens_and_what_to_paste() -> None:
    """Two lines: the address, and a hosts.toml that finds it."""
    with running_workers(1, "--threads", "3", *QUICK) as (worker,):
        with urllib.request.urlopen(f"{worker.url}/v1/health") as response:
            health = json.load(response)
        assert (health["pid"], health["slots"]) == (worker.pid, 4)
        assert worker.stop() == 0
        assert worker.process.stdout is not None
        assert worker.process.stdout.read() in (
            b"",  # both lines came in one piece
            f'hosts = ["{worker.address}"]\n'.encode(),
        )


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "worker", *QUICK, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (["8080"], "for the port write --port 8080"),
        (["hosts.toml"], "coord hosts --hosts hosts.toml"),
        (["serve"], "which takes options only"),
        (["--prot", "8080"], "--port"),
        (["--port", "http"], "a port is an integer from 0 to 65535"),
        (["--port", "70000"], "a port is an integer from 0 to 65535"),
        (["--threads", "0"], "want an integer of at least 1"),
        (
            ["--insecure", "--insecure-network", "--serve-from", "/tmp"],
            "leave out --insecure-network",
        ),
    ],
)
def test_a_mistake_on_the_line_gets_a_sentence(line: list[str], words: str) -> None:
    """Exit code 2, and what would be right."""
    ended = CliRunner().invoke(app, line)
    assert (ended.exit_code, words in ended.stderr) == (2, True), ended.stderr


@pytest.mark.parametrize(
    ("folder", "words"),
    [
        ("/", "is all of this machine; name a folder"),
        ("/none", "there is no such folder"),
        ("", "for the current one write --serve-from ."),
        ("s3://bucket/../x", "buckets are s3://BUCKET/PREFIX and gs://BUCKET/PREFIX"),
        ("ftp://bucket/x", "buckets are s3://BUCKET/PREFIX and gs://BUCKET/PREFIX"),
        ("s3:/bucket/x", "buckets are s3://BUCKET/PREFIX and gs://BUCKET/PREFIX"),
    ],
)
def test_a_folder_that_can_not_be_served(folder: str, words: str) -> None:
    """Exit code 2, before anything listens."""
    result = run("--insecure", "--host", "127.0.0.1", "--port", "0", "--serve-from", folder)
    assert (result.returncode, result.stdout) == (2, "")
    assert words in result.stderr


def test_an_address_that_is_taken() -> None:
    """One sentence and exit code 7."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = run("--insecure", "--host", "127.0.0.1", "--port", port)
    assert (result.returncode, result.stdout) == (7, "")
    warning, error = result.stderr.splitlines()
    assert "no token is asked for" in warning
    assert error.startswith(f"worker: can't listen on 127.0.0.1:{port}: the port is in use by ")
    assert error.endswith(f"; take another, such as --port {int(port) + 1}")
    if sys.platform == "linux":
        assert f"(pid {os.getpid()})" in error


def test_an_address_of_another_machine() -> None:
    """What --host takes is said."""
    result = run("--insecure-network", "--insecure", "--host", "192.0.2.1", "--port", "0")
    assert result.returncode == 7
    assert "this machine has no such address; --host takes an address of this" in result.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells, in /proc")
def test_who_holds_a_port() -> None:
    """Of both families; nobody holds one that is free."""
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            taken = socket.create_server((host, 0), family=family)
        except OSError:  # a machine without IPv6
            continue
        with taken:
            port = taken.getsockname()[1]
            assert port_holder(port) == _myself()
        assert port_holder(port) is None


def _myself() -> str:
    return f"{Path('/proc/self/comm').read_text('utf-8').strip()} (pid {os.getpid()})"


@pytest.mark.parametrize(
    "arguments",
    [
        ("--port", "70000"),
        ("--port", "http"),
        ("--threads", "0"),
        ("--colour", "blue"),
        ("now",),
        ("--insecure",),
        ("--insecure", "--host", "127.0.0.1", "--pair"),
        ("--insecure", "--host", "127.0.0.1", "--allow-host", "http://node1"),
        ("--insecure", "--host", "10.0.0.1"),
    ],
    ids=" ".join,
)
def test_usage_errors(arguments: tuple[str, ...]) -> None:
    """What can't be meant exits 2."""
    assert run(*arguments).returncode == 2


ARRAY = np.arange(1000, dtype="<f8")


@contextmanager
def half_an_array(address: str) -> Iterator[tuple[socket.socket, bytes]]:
    """Yield a connection with half of a form sent, and the other half."""
    file = io.BytesIO()
    np.save(file, ARRAY)
    part = b'--x\r\nContent-Disposition: form-data; name="array"\r\n\r\n'
    body = part + file.getvalue() + b"\r\n--x--\r\n"
    head = (
        f"POST / HTTP/1.1\r\nHost: {address}\r\nContent-Length: {len(body)}\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\nConnection: close\r\n\r\n"
    )
    host, port = address.split(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(head.encode() + body[:4000])
        yield connection, body[4000:]


def wait_for_status(address: str, wanted: str, in_flight: int) -> None:
    """Ask for health until it is as wanted."""
    health: dict[str, object] = {}
    deadline = time.monotonic() + 60
    while (health.get("status"), health.get("in_flight")) != (wanted, in_flight):
        assert time.monotonic() < deadline, health
        try:
            with urllib.request.urlopen(f"http://{address}/v1/health") as response:
                health = json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                health = json.load(error)


def test_what_is_in_flight_is_finished_first() -> None:
    """After SIGTERM a half-sent array may still be sent whole, and is answered; then exit 0."""
    with running_workers(1, *QUICK) as (worker,):
        with half_an_array(worker.address) as (connection, rest):
            wait_for_status(worker.address, "ready", 1)
            worker.send(signal.SIGTERM)
            wait_for_status(worker.address, "draining", 1)
            connection.sendall(rest)
            answer = b"".join(iter(lambda: connection.recv(1 << 16), b""))
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
        assert answer.endswith(ndimage.gaussian_filter(ARRAY, 0.5).tobytes())
        assert worker.wait() == 0


def test_a_second_signal_exits_at_once() -> None:
    """Who can't wait for what is in flight says so twice."""
    with running_workers(1, *QUICK) as (worker,), half_an_array(worker.address):
        wait_for_status(worker.address, "ready", 1)
        worker.send(signal.SIGTERM)
        wait_for_status(worker.address, "draining", 1)
        assert worker.stop(signal.SIGINT) == 130


def test_a_drain_has_an_end() -> None:
    """What is not finished in time is cut off, and the exit code says so."""
    program = (
        "import asyncio, os; from worker import cli; from worker.settings import Settings;"
        "from tiling.probes.select import select; from worker.security.auth import Guard;"
        "settings, kernel = Settings(drain_s=0.2), select('reference');"
        "os._exit(asyncio.run(cli.serve(settings, Guard(), kernel, '127.0.0.1', 0)))"
    )
    command = [sys.executable, "-u", "-c", program]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        address = process.stdout.readline().strip().removeprefix("listening on http://")
        with half_an_array(address):
            wait_for_status(address, "ready", 1)
            process.terminate()
            assert process.wait(60) == 143
        assert process.stderr.read() == "drain timeout seconds=0.2 abandoned=1\n"
