"""The worker's log: which events it has, and that clients control neither terminals nor disks."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import sys
import urllib.error
import urllib.request
from pathlib import Path

import aiohttp
import numpy as np
import pytest

from tests.support.processes import WorkerProcess, running_workers
from tests.support.worker_in_process import (
    ask,
    filtered,
    gaussian_job,
    in_loop,
    register,
    serve,
    signed,
)
from tests.worker.http.test_admission import Gate, until_taken
from tiling.protocol.token import Token
from worker.log import LONGEST, ClientLog, Event, JsonFormatter, TextFormatter
from worker.security.auth import Guard
from worker.settings import Settings

QUICK = ("--kernel", "reference")
SECRET = "s3cret-s3cret-s3cret-s3cret-s3cret"
BLOCK = np.arange(60, dtype="<i4").reshape(6, 10)
HOSTILE = "\x1b]0;owned\x07\r\ninfo\u202etxt"


def get(worker: WorkerProcess, path: str, **headers: str) -> int:
    request = urllib.request.Request(f"{worker.url}{path}", headers=headers)
    try:
        with urllib.request.urlopen(request) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_a_workers_life_as_json(tmp_path: Path) -> None:
    """Start, refusal, client, drain and stop are an object a line each; the token is in none."""
    path = tmp_path / "token"
    path.write_text(SECRET)
    path.chmod(0o600)
    options = ("--log-json", "--threads", "2", "--token-file", str(path), *QUICK)
    with running_workers(1, *options, insecure=False) as (worker,):
        assert get(worker, "/v1/health", Authorization=f"Bearer {SECRET[::-1]}") == 401
        assert get(worker, "/v1/health", Authorization=f"Bearer {SECRET}") == 200
        assert worker.stop() == 0
        lines = [json.loads(line) for line in worker.stderr().splitlines()]
    assert [(line["level"], line["message"]) for line in lines] == [
        ("info", "listening"),
        ("info", "access refused"),
        ("info", "client connected"),
        ("info", "draining"),
        ("info", "stopped"),
    ]
    start, refused, connected, drain, _ = lines
    assert (start["address"], start["slots"], start["tls"]) == (worker.address, 3, False)
    assert (refused["address"], refused["reason"]) == ("127.0.0.1", "unauthorized")
    assert connected["address"] == "127.0.0.1"
    assert (drain["signal"], drain["in_flight"]) == ("SIGTERM", 0)
    assert all(line["logger"].startswith("tilefan.worker.") for line in lines)
    assert SECRET not in str(lines)
    assert SECRET[::-1] not in str(lines)


def test_hostile_requests_do_not_reach_a_terminal() -> None:
    """Escape sequences and newlines of a path are escaped, so a request has one line."""
    with running_workers(1, "--log-level", "debug", *QUICK) as (worker,):
        before = len(worker.stderr().splitlines())
        host, port = worker.address.split(":")
        with socket.create_connection((host, int(port)), timeout=60) as connection:
            path = "/%1b]0;owned%07%0d%0a%e2%80%ae%ff"
            lines = [f"GET {path} HTTP/1.1", f"Host: {worker.address}", "Connection: close"]
            connection.sendall("\r\n".join([*lines, "", ""]).encode())
            while connection.recv(1 << 16):
                pass
        assert worker.stop() == 0
        text = worker.stderr()
    new = [line for line in text.splitlines()[before:] if " debug " in line]
    assert len(new) == 1
    assert "0;owned" in new[0]
    assert all(character.isprintable() for character in text.replace("\n", ""))


def test_the_level_is_chosen() -> None:
    """From `error` upwards a worker that has no trouble logs nothing."""
    with running_workers(1, "--log-level", "error", *QUICK) as (worker,):
        assert get(worker, "/v1/health") == 200
        assert worker.stop() == 0
        assert worker.stderr() == ""


def record(message: object, level: int = logging.INFO) -> logging.LogRecord:
    return logging.LogRecord("tilefan.worker.x", level, "x.py", 1, message, (), None)


@pytest.mark.parametrize("message", [HOSTILE, Event(HOSTILE), Event("a", path=HOSTILE)], ids=str)
def test_a_record_is_one_harmless_line(message: object) -> None:
    """In either format, whatever stands in it."""
    for formatter in (TextFormatter(), JsonFormatter()):
        assert formatter.format(record(message)).isprintable()


def test_a_traceback_stays_on_the_line() -> None:
    """The text has its lines one after another; JSON has them in a string."""
    failed = record(Event("request failed", path=HOSTILE), logging.ERROR)
    try:
        raise ValueError(HOSTILE)
    except ValueError:
        failed.exc_info = sys.exc_info()
    text = TextFormatter().format(failed)
    assert text.isprintable()
    assert "| ValueError: " in text
    assert "ValueError" in json.loads(JsonFormatter().format(failed))["traceback"]


def test_lines_have_a_greatest_length() -> None:
    """A field of megabytes is cut."""
    long = record(Event("a", path="x" * 10**6))
    assert len(TextFormatter().format(long)) == LONGEST
    assert len(JsonFormatter().format(long)) < LONGEST + 200


def test_fields_can_not_pose_as_others() -> None:
    """A value with a space or an equals sign is quoted; JSON keeps its own keys."""
    assert str(Event("a", path="/ reason=none")) == 'a path="/ reason=none"'
    assert json.loads(JsonFormatter().format(record(Event("a", level="x"))))["level"] == "info"


def test_a_flood_does_not_fill_a_disk(caplog: pytest.LogCaptureFixture) -> None:
    """An hour of refusals from many addresses: 60 lines, then six a minute; the rest is counted."""
    log = ClientLog()
    with caplog.at_level(logging.INFO, "tilefan.worker"):
        for number in range(36_000):
            log.write("access refused", f"10.0.{number % 200}.1", number / 10)
    assert 60 < len(caplog.records) <= 60 + 6 * 60
    events = [each.msg for each in caplog.records]
    assert all(isinstance(event, Event) for event in events)
    suppressed = sum(event.fields.get("suppressed", 0) for event in events)
    assert suppressed + len(events) > 35_000


def test_an_address_has_its_own_limit(caplog: pytest.LogCaptureFixture) -> None:
    """Ten lines at once; another address and another event are not concerned."""
    log = ClientLog()
    with caplog.at_level(logging.INFO, "tilefan.worker"):
        for _ in range(50):
            log.write("access refused", "10.0.0.1", 0.0)
        assert len(caplog.records) == 10
        log.write("access refused", "10.0.0.2", 0.0)
        log.write("slow tile", "10.0.0.1", 0.0)
        assert len(caplog.records) == 12
        log.connected("10.0.0.1", 0.0)
        log.connected("10.0.0.1", 3599.0)
        log.connected("10.0.0.1", 7300.0)
    assert [str(each.msg) for each in caplog.records[12:]] == [
        "client connected address=10.0.0.1",
        "client connected address=10.0.0.1",
    ]


def events(caplog: pytest.LogCaptureFixture) -> dict[str, dict[str, object]]:
    """Return the fields of the last event of each name."""
    return {
        each.msg.name: each.msg.fields for each in caplog.records if isinstance(each.msg, Event)
    }


@in_loop
async def test_a_slow_tile(caplog: pytest.LogCaptureFixture) -> None:
    """A tile that takes longer than the threshold is logged with its job, number and time."""
    job = gaussian_job(BLOCK, 1.0)
    with caplog.at_level(logging.INFO, "tilefan.worker"):
        async with serve(Settings(threads=1)) as (_, client):
            await register(client, job)
            await filtered(client, job, BLOCK)
        assert "slow tile" not in events(caplog)
        async with serve(Settings(threads=1, slow_tile_s=0.0)) as (_, client):
            await register(client, job)
            await filtered(client, job, BLOCK)
    fields = events(caplog)["slow tile"]
    assert (fields["address"], fields["job"], fields["tile"]) == ("127.0.0.1", job.digest, 0)


@in_loop
async def test_an_abandoned_tile(caplog: pytest.LogCaptureFixture) -> None:
    """A client that is lost while its tile is computed is logged."""
    gate, job, body = Gate(), gaussian_job(BLOCK, 1.0), BLOCK.tobytes()
    with caplog.at_level(logging.INFO, "tilefan.worker"):
        async with serve(Settings(threads=1), gate) as (service, client):
            await register(client, job)
            async with aiohttp.ClientSession(client._base_url) as other:
                headers = signed(ask(job, BLOCK, tile=7), body)
                task = asyncio.ensure_future(other.post("/v1/tiles", data=body, headers=headers))
                await until_taken(service, 1)
                async with asyncio.timeout(60):
                    while service.pool.queue:  # noqa: ASYNC110 - seen from outside
                        await asyncio.sleep(0.005)
                task.cancel()
            async with asyncio.timeout(60):
                while "tile abandoned" not in events(caplog):  # noqa: ASYNC110
                    await asyncio.sleep(0.005)
            gate.open.set()
            await until_taken(service, 0)
    assert events(caplog)["tile abandoned"]["tile"] == 7


@in_loop
async def test_refused_tokens_are_logged_by_address(caplog: pytest.LogCaptureFixture) -> None:
    """A flood over the network has ten lines, none with what was sent."""
    guard = Guard(Token.from_file(SECRET.encode(), 0o600))
    with caplog.at_level(logging.INFO, "tilefan.worker"):
        async with serve(guard=guard) as (_, client):
            for _ in range(50):
                headers = {"Authorization": f"Bearer {SECRET[::-1]}"}
                async with client.get("/v1/health", headers=headers) as response:
                    assert response.status in (401, 429)
    refused = [each for each in caplog.records if "access refused" in each.getMessage()]
    assert len(refused) == 10
    assert "client connected" not in caplog.text
    assert SECRET[::-1] not in caplog.text
