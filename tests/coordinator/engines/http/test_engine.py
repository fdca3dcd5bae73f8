"""Runs of the http engine over a network of socket pairs: what ends, and what goes on."""

from __future__ import annotations

import gc
import logging
import os
import signal
import threading
import weakref
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from coordinator.dispatch.limits import Limits
from coordinator.engines.http.engine import HttpEngine
from coordinator.errors import InputError, StoreError, TileFailedError, TilefanError
from coordinator.events import Event, RunFinished, TileAnswered, TileFailed, TileStored, WorkerLost
from coordinator.hosts.hosts_file import parse_hosts
from coordinator.run.output import Output
from coordinator.run.request import Request as RunRequest
from coordinator.run.run import run
from coordinator.stores.memory import ArraySink, ArraySource
from tests.coordinator.engines.http.test_client import COPY, CREDENTIAL
from tests.support.equality import assert_same_bits
from tests.support.fake_network import (
    CopyingWorkers,
    FakeNetwork,
    Handler,
    HangUpError,
    Request,
    answer,
    json_answer,
)
from tests.support.strategies import Array
from tiling.protocol.references import UNKNOWN_PLACE, UNREAD, UNWRITTEN

X = np.arange(400, dtype=np.int32).reshape(20, 20)
TILES = 20


class Fleet:
    """An engine over a fake network, and what was told of its last run."""

    def __init__(
        self, handler: Handler, hosts: int = 2, silent_after_s: float = 4.0, **limits: Any
    ) -> None:
        self.network = FakeNetwork(handler)
        config = parse_hosts([f"127.0.0.{i + 1}:8080" for i in range(hosts)])
        defaults = replace(config.defaults, silent_after_s=silent_after_s)
        config = replace(config, defaults=defaults)
        self.engine = HttpEngine(config, CREDENTIAL, Limits(**limits), self.network)
        self.events: list[Event] = []

    def run(self, listen: Any = None, sink: Any = None, x: Array = X) -> Array:
        """Copy the array in tiles of one row."""
        out = np.zeros_like(x)
        self.events.clear()

        def hear(_: float, event: Event) -> None:
            self.events.append(event)
            if listen is not None:
                listen(event)

        request = RunRequest(COPY, ArraySource(x), (1, x.shape[1]))
        run(request, lambda _: Output(sink or ArraySink(out)), self.engine, hear)
        return out

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


def test_all_tiles_come_back() -> None:
    """Each once, from both workers, and the second run uses the same connections."""
    fleet = Fleet(CopyingWorkers(slots=2))
    assert_same_bits(fleet.run(), X)
    assert Counter(event.tile for event in fleet.of(TileStored)) == Counter(range(TILES))
    opened = len(fleet.network.connections)
    assert_same_bits(fleet.run(), X)
    assert len(fleet.network.connections) <= opened + 4
    fleet.engine.close()


def test_the_log_tells_each_request_and_decision(caplog: pytest.LogCaptureFixture) -> None:
    """Of level debug; nothing of it is loud otherwise."""
    fleet = Fleet(CopyingWorkers(), hosts=1)
    with caplog.at_level(logging.DEBUG, "tilefan"):
        fleet.run()
    fleet.engine.close()
    for line in (
        "GET /v1/health of 127.0.0.1:8080: answered in",
        "POST /v1/jobs of 127.0.0.1:8080: answered in",
        "tile 0 to http://127.0.0.1:8080: 80 bytes sent",
        "tile 0 of http://127.0.0.1:8080: 80 bytes received",
        "Send(tile=0, worker='127.0.0.1:8080'",
        "Accept(tile=0, worker='127.0.0.1:8080'",
    ):
        assert line in caplog.text
    assert {record.levelno for record in caplog.records} == {logging.DEBUG}


def test_a_worker_that_restarts_gets_the_job_again() -> None:
    """Its tiles fail for nobody."""
    workers = CopyingWorkers()
    fleet = Fleet(workers)

    def forget(event: Event) -> None:
        if isinstance(event, TileStored) and event.tile == 3:
            workers.jobs.clear()

    assert_same_bits(fleet.run(forget), X)
    assert fleet.of(TileFailed) == []
    fleet.engine.close()


def test_a_worker_that_forgets_every_job_is_left() -> None:
    """Registering again is tried once a tile, not for ever."""

    class Forgetful(CopyingWorkers):
        def tile(self, request: Request) -> bytes:
            self.jobs["127.0.0.1:8080"].clear()
            return super().tile(request)

    fleet = Fleet(Forgetful())
    assert_same_bits(fleet.run(), X)
    assert {event.worker for event in fleet.of(TileFailed)} == {"127.0.0.1:8080"}
    fleet.engine.close()


@pytest.mark.parametrize(
    ("type_", "status"), [(UNKNOWN_PLACE, 404), (UNREAD, 500), (UNWRITTEN, 500)]
)
def test_a_worker_that_blames_a_place_that_nobody_named(type_: str, status: int) -> None:
    """It is sent the tile again a few times, and then it has failed."""

    class Blaming(CopyingWorkers):
        def tile(self, request: Request) -> bytes:
            if request.host == "127.0.0.1:8080":
                return json_answer({"type": type_, "detail": "no"}, status)
            return super().tile(request)

    fleet = Fleet(Blaming())
    assert_same_bits(fleet.run(), X)
    assert {event.worker for event in fleet.of(TileFailed)} == {"127.0.0.1:8080"}
    fleet.engine.close()


def test_answers_are_waited_for_without_threads() -> None:
    """200 workers have a tile in hand each, for as long as they like."""
    workers, waiting, release = 200, threading.Semaphore(0), threading.Event()
    threads: list[int] = []

    class Slow(CopyingWorkers):
        def tile(self, request: Request) -> bytes:
            waiting.release()
            release.wait(60)
            return super().tile(request)

    def count() -> None:
        for _ in range(workers):
            waiting.acquire(timeout=60)
        threads.append(sum(thread.name == "tilefan" for thread in threading.enumerate()))
        release.set()

    fleet = Fleet(Slow(slots=1), hosts=workers)
    counter = threading.Thread(target=count)
    counter.start()
    x = np.arange(2 * workers, dtype=np.int32).reshape(workers, 2)
    assert_same_bits(fleet.run(x=x), x)
    counter.join()
    fleet.engine.close()
    assert threads[0] < workers


def test_a_silent_worker_is_lost_and_its_tiles_go_elsewhere() -> None:
    """It owes answers and does not say how it is."""
    over, stuck = threading.Event(), threading.Event()
    workers = CopyingWorkers()

    def handle(request: Request) -> bytes:
        if request.host == "127.0.0.1:8080" and (request.path == "/v1/tiles" or stuck.is_set()):
            stuck.set()
            over.wait(60)
            return b""
        return workers(request)

    fleet = Fleet(handle, silent_after_s=0.2, hedge_copies=1)
    assert_same_bits(fleet.run(), X)
    over.set()
    assert "127.0.0.1:8080" in {event.worker for event in fleet.of(WorkerLost)}
    fleet.engine.close()


def test_a_run_within_a_listener() -> None:
    """A listener may use the fleet that it listens to."""
    fleet = Fleet(CopyingWorkers())
    inner: list[Array] = []

    def again(event: Event) -> None:
        if isinstance(event, TileAnswered) and not inner:
            inner.append(np.zeros_like(X))
            request = RunRequest(COPY, ArraySource(X), (5, 20))
            run(request, lambda _: Output(ArraySink(inner[0])), fleet.engine, lambda *_: None)

    assert_same_bits(fleet.run(again), X)
    assert_same_bits(inner[0], X)
    fleet.engine.close()


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_has_connections_of_its_own() -> None:
    """It neither hangs nor reads the answers of its parent."""
    fleet = Fleet(CopyingWorkers())
    fleet.run()
    opened = len(fleet.network.connections)

    def use_and_close() -> bool:
        right = fleet.run().tobytes() == X.tobytes()
        fleet.engine.close()
        return right

    assert exit_code_of_child(use_and_close) == 0
    assert exit_code_of_child(lambda: fleet.engine.close() is None) == 0
    assert_same_bits(fleet.run(), X)
    assert len(fleet.network.connections) < 2 * opened  # the parent's were left alone
    fleet.engine.close()


def exit_code_of_child(work: Callable[[], bool]) -> int:
    """Fork, and return 0 if the child's work returns True; it is killed after a minute."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if work() else 2
        finally:
            os._exit(code)
    killer = threading.Timer(60, os.kill, (child, signal.SIGKILL))
    killer.start()
    _, status = os.waitpid(child, 0)
    killer.cancel()
    return os.waitstatus_to_exitcode(status)


def test_a_fleet_that_nobody_closed() -> None:
    """It keeps no thread and no descriptor once it is dropped."""
    fleet = Fleet(CopyingWorkers())
    others = {thread for thread in threading.enumerate() if thread.name == "tilefan"}
    fleet.run()
    ours = [t for t in threading.enumerate() if t.name == "tilefan" and t not in others]
    assert ours
    del fleet
    gc.collect()
    for thread in ours:
        thread.join(60)
        assert not thread.is_alive()


def test_a_fleet_that_is_closed_during_a_run() -> None:
    """The run ends with a sentence."""
    fleet = Fleet(CopyingWorkers())

    def close(event: Event) -> None:
        if isinstance(event, TileStored):
            fleet.engine.close()

    with pytest.raises(InputError, match="closed during a run"):
        fleet.run(close)


def test_an_interrupted_run_ends_and_the_fleet_can_be_used_again() -> None:
    """Ctrl-C does not wait for workers that say nothing."""
    over, stuck = threading.Event(), threading.Event()

    class Stuck(CopyingWorkers):
        def tile(self, request: Request) -> bytes:
            if stuck.is_set():
                over.wait(60)
            return super().tile(request)

    fleet = Fleet(Stuck())

    def interrupt(event: Event) -> None:
        if isinstance(event, TileStored):
            stuck.set()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fleet.run(interrupt)
    assert not over.is_set()
    assert fleet.events[-1] == RunFinished(error="interrupted")
    stuck.clear()
    over.set()
    assert_same_bits(fleet.run(), X)
    fleet.engine.close()


def test_a_sink_that_fails() -> None:
    """Its error ends the run."""

    class Full(ArraySink):
        def store(self, _box: Any, _block: Any) -> None:
            raise StoreError("no space left")

    fleet = Fleet(CopyingWorkers())
    with pytest.raises(StoreError, match="no space"):
        fleet.run(sink=Full(np.zeros_like(X)))
    assert_same_bits(fleet.run(), X)
    fleet.engine.close()


def test_a_listener_that_fails() -> None:
    """Its error comes out, and the fleet can be used again."""
    fleet = Fleet(CopyingWorkers())

    def fail(event: Event) -> None:
        if isinstance(event, TileStored):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fleet.run(fail)
    assert_same_bits(fleet.run(), X)
    fleet.engine.close()


@pytest.mark.parametrize(
    ("status", "error"), [(500, TileFailedError), (401, TilefanError)], ids=["500", "401"]
)
def test_tiles_that_fail_everywhere(status: int, error: type[TilefanError]) -> None:
    """The run ends; nobody is asked for ever."""
    workers = CopyingWorkers()

    def handle(request: Request) -> bytes:
        return answer(status) if request.path == "/v1/tiles" else workers(request)

    fleet = Fleet(
        handle, backoff_base_s=0.001, backoff_cap_s=0.01, retry_burst=100, probe_base_s=0.01
    )
    with pytest.raises(error) as caught:
        fleet.run()
    fleet.engine.close()
    if status == 500:
        assert isinstance(caught.value, TileFailedError)
        first, second, *_ = caught.value.story
        assert "sent, 127.0.0." in first
        assert "HTTP 500" in second


def test_a_tile_that_is_never_answered() -> None:
    """The dispatcher's deadline ends it: there is no other."""
    over = threading.Event()

    class Mute(CopyingWorkers):
        def tile(self, request: Request) -> bytes:
            over.wait(60)
            return super().tile(request)

    quick = {"backoff_base_s": 0.001, "backoff_cap_s": 0.01, "retry_burst": 100}
    fleet = Fleet(Mute(), deadline_base_s=0.1, slow_link_bytes_per_s=1e9, attempts=2, **quick)
    with pytest.raises(TileFailedError, match=r"no answer within \d"):
        fleet.run()
    over.set()
    fleet.engine.close()


def test_failures_hold_no_arrays() -> None:
    """What a run has read is free when it ends, though tiles failed, without a collector."""
    workers = CopyingWorkers()

    def handle(request: Request) -> bytes:
        if request.path == "/v1/tiles" and request.host == "127.0.0.1:8080":
            raise HangUpError(b"")
        return workers(request)

    fleet = Fleet(handle, hedge_copies=1)  # a hedge that wins would hide the failure
    gone = threading.Event()
    x = X.copy()
    weakref.finalize(x, gone.set)
    gc.collect()
    gc.disable()
    try:
        fleet.run(x=x)
        assert fleet.of(TileFailed)
        del x
        fleet.engine.close()
        assert gone.wait(60)
    finally:
        gc.enable()


def test_a_closed_fleet_says_so() -> None:
    """It does not hang."""
    fleet = Fleet(CopyingWorkers())
    fleet.engine.close()
    fleet.engine.close()
    with pytest.raises(InputError, match="closed"):
        fleet.run()
