"""Tiles whose client goes away while they are computed, by a real worker: the slot is free soon."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.request import urlopen

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.processes import WorkerProcess, running_workers
from tests.support.worker_in_process import ask, signed
from tiling.filters import FILTERS
from tiling.jobs.job import Job
from tiling.protocol.wire import RUN

RUN_NAME = "0123456789abcdef"
BLOCK = np.random.default_rng(0).random((4096, 4096)).astype("f4")
SIZES = {"native": 81, "reference": 11}
"""Of medians that take the kernels many seconds."""


def metrics(worker: WorkerProcess) -> dict[str, float]:
    with urlopen(f"{worker.url}/metrics") as response:
        text = response.read().decode()
    families = text_string_to_metric_families(text)
    return {sample.name: sample.value for family in families for sample in family.samples}


def health(worker: WorkerProcess, query: str = "") -> dict[str, Any]:
    with urlopen(f"{worker.url}/v1/health{query}") as response:
        said: dict[str, Any] = json.load(response)
    return said


def until(worker: WorkerProcess, **wanted: float) -> None:
    """Wait for values of the worker's metrics."""
    names = {f"tilefan_worker_{name}": value for name, value in wanted.items()}
    deadline = time.monotonic() + 60
    while not names.items() <= metrics(worker).items():
        assert time.monotonic() < deadline, metrics(worker)
        time.sleep(0.01)


def post(worker: WorkerProcess, path: str, headers: dict[str, str], body: bytes) -> socket.socket:
    """Send a request, and do not wait for its answer."""
    host, port = worker.address.split(":")
    connection = socket.create_connection((host, int(port)))
    lines = {"Host": worker.address, "Content-Length": str(len(body)), **headers}
    head = "".join(f"{name}: {text}\r\n" for name, text in lines.items())
    connection.sendall(f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + body)
    return connection


@contextmanager
def computing(kernel: str) -> Iterator[tuple[WorkerProcess, socket.socket]]:
    """Run a worker that computes one tile, and yield it with the tile's connection."""
    call = FILTERS["median_filter"].call(2, BLOCK.dtype, SIZES[kernel])
    job = Job(2, (call,))
    with running_workers(1, "--threads", "1", "--kernel", kernel) as [worker]:
        content = {"Content-Type": "application/json"}
        with post(worker, "/v1/jobs", content, job.encode()) as connection:
            assert connection.recv(15) == b"HTTP/1.1 200 OK"
        body = BLOCK.tobytes()
        headers = {**signed(ask(job, BLOCK), body), RUN: RUN_NAME}
        with post(worker, "/v1/tiles", headers, body) as connection:
            until(worker, in_flight=1, queue=0)
            time.sleep(0.3)
            yield worker, connection


@pytest.mark.parametrize("kernel", SIZES)
def test_progress_is_told(kernel: str) -> None:
    """A tile that takes seconds tells of its progress, to its own run and to all."""
    with computing(kernel) as (worker, _):
        seen: list[float] = []
        deadline = time.monotonic() + 60
        while len(set(seen)) < 4:
            assert time.monotonic() < deadline, seen
            [tile] = health(worker)["computing"]
            assert [tile] == [{**tile, "run": RUN_NAME, "tile": 0}]
            assert 0 <= tile["share"] <= 1
            assert tile["seconds"] > 0
            seen.append(tile["share"])
            time.sleep(0.05)
        assert seen == sorted(seen)
        assert len(health(worker, f"?run={RUN_NAME}")["computing"]) == 1
        assert health(worker, f"?run={RUN_NAME[::-1]}")["computing"] == []


@pytest.mark.parametrize("kernel", SIZES)
def test_a_slot_is_free_soon(kernel: str) -> None:
    """The computation ends long before it would have, and is counted as thrown away."""
    with computing(kernel) as (worker, connection):
        connection.close()
        began_s = time.monotonic()
        until(worker, in_flight=0)
        assert time.monotonic() - began_s < 2
        until(worker, abandoned_total=1)
        assert metrics(worker)["tilefan_worker_abandoned_seconds_total"] > 0.2
