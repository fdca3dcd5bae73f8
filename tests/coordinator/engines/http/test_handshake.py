"""Greeting a fleet: who is ready, who is late, and what to say if there is nobody."""

from __future__ import annotations

import threading

import pytest

from coordinator.engines.http import handshake
from coordinator.engines.http.handshake import greet_all, no_worker_error
from coordinator.engines.http.session import Session
from coordinator.errors import NoWorkerError, TrustError
from coordinator.events import WorkerLost, WorkerReady
from coordinator.hosts.hosts_file import parse_hosts
from tests.coordinator.engines.http.test_client import COPY, CREDENTIAL
from tests.support.fake_network import CopyingWorkers, FakeNetwork, Handler, Request, answer
from tiling.probes.digests import needed


def greeted(handler: Handler, hosts: list[str]) -> list[WorkerReady | WorkerLost]:
    """Greet these hosts; one that is not ready once another is, is late at once."""
    with Session(parse_hosts(hosts), CREDENTIAL, network=FakeNetwork(handler)) as session:
        return greet_all(session.clients, COPY, session.threads, latecomer_s=0.0)


def test_each_is_told_in_the_order_of_the_hosts() -> None:
    """Ready ones with their slots, lost ones with their reason."""
    workers = CopyingWorkers(slots=5)
    sick = threading.Event()

    def handle(request: Request) -> bytes:
        if request.host.startswith("sick"):
            sick.set()
            return answer(500)
        if request.path == "/v1/jobs":
            assert sick.wait(60)
        return workers(request)

    with Session(
        parse_hosts(["sick:1", "well:1"]), CREDENTIAL, network=FakeNetwork(handle)
    ) as session:
        lost, ready = greet_all(session.clients, COPY, session.threads)
    assert isinstance(lost, WorkerLost)
    assert (lost.worker, lost.reason) == ("sick:1", "HTTP 500: Status")
    assert isinstance(ready, WorkerReady)
    assert (ready.worker, ready.slots) == ("well:1", 5)


def test_one_that_is_ready_does_not_wait_for_a_silent_one() -> None:
    """The latecomer joins the run when it answers."""
    over = threading.Event()
    workers = CopyingWorkers()

    def handle(request: Request) -> bytes:
        if request.host.startswith("silent"):
            over.wait(60)
            return b""
        return workers(request)

    silent, ready = greeted(handle, ["silent:1", "quick:1"])
    over.set()
    assert silent == WorkerLost("silent:1", "has not answered so far")
    assert isinstance(ready, WorkerReady)


def test_nobody() -> None:
    """All are waited for if none is ready."""
    events = greeted(lambda _: answer(503), ["a:1", "b:1"])
    lost = [event for event in events if isinstance(event, WorkerLost)]
    assert len(lost) == 2
    with pytest.raises(NoWorkerError, match=r"a:1: HTTP 503.*\n.*b:1: HTTP 503.*\nstart one"):
        raise no_worker_error(lost)


def test_nobody_that_trusts_us() -> None:
    """A wrong token is what the user must hear of."""
    events = greeted(lambda _: answer(401), ["a:1"])
    with pytest.raises(TrustError, match="a:1"):
        raise no_worker_error([event for event in events if isinstance(event, WorkerLost)])


def test_what_workers_must_answer_is_computed_by_the_caller(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """NumPy's warnings are off while it is: for the process, so not in two threads at a time."""
    asked = []
    monkeypatch.setattr(
        handshake, "attested", lambda names: asked.append((threading.current_thread(), names))
    )
    greeted(CopyingWorkers(), ["a:1", "b:1"])
    assert asked == [(threading.current_thread(), needed(COPY))]
