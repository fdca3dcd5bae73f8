"""Greeting a fleet: who is ready, who is late, and what to say if there is nobody."""

from __future__ import annotations

import threading

import pytest

from coordinator.engines.http import handshake
from coordinator.engines.http.handshake import greet_all, no_worker_error, pace_of
from coordinator.engines.http.session import Session
from coordinator.errors import NoWorkerError, TrustError
from coordinator.events import WorkerLost, WorkerReady
from coordinator.hosts.hosts_file import parse_hosts
from tests.coordinator.engines.http.test_client import COPY, CREDENTIAL
from tests.support.fake_network import (
    CopyingWorkers,
    FakeNetwork,
    Handler,
    Request,
    answer,
    json_answer,
)
from tiling.jobs.cost import FLEET
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
    with pytest.raises(
        NoWorkerError, match=r"a:1: HTTP 503.*\n.*b:1: HTTP 503.*\nstart `worker --port 1` there"
    ):
        raise no_worker_error(lost)
    strangers = [WorkerLost("a:1", "is no tilefan worker", permanent=True)]
    assert str(no_worker_error(strangers)).endswith("is no tilefan worker")


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


@pytest.mark.parametrize(
    ("trial", "work_s"),
    [
        ({"samples": 1000, "seconds": 0.5}, 0.5 / 1000),
        ({"samples": 10**400, "seconds": 0.5}, None),
        ({"samples": 0, "seconds": 0.5}, None),
        ({"samples": 1000, "seconds": float("inf")}, None),
        ({"samples": 1000, "seconds": -1.0}, None),
        ({"samples": 1000, "seconds": 1e9}, None),
        ({"samples": 1000}, None),
        (3, None),
    ],
)
def test_what_is_believed_of_a_trial(trial: object, work_s: float | None) -> None:
    """Seconds for samples, if they can be."""
    workers = CopyingWorkers()

    def handle(request: Request) -> bytes:
        if request.path == "/v1/jobs":
            return json_answer({"job": COPY.digest, "trial": trial})
        return workers(request)

    (ready,) = greeted(handle, ["one:1"])
    assert isinstance(ready, WorkerReady)
    effort = COPY.program.effort
    assert ready.work_s == (None if work_s is None else pytest.approx(work_s / effort))


def test_a_busy_worker_is_greeted_again() -> None:
    """Within the patience; then it is lost for now."""
    workers, refusals = CopyingWorkers(), iter([503, 503])

    def handle(request: Request) -> bytes:
        status = next(refusals, None) if request.path == "/v1/jobs" else None
        return answer(status) if status else workers(request)

    with Session(parse_hosts(["one:1"]), CREDENTIAL, network=FakeNetwork(handle)) as session:
        (ready,) = greet_all(session.clients, COPY, session.threads, patience_s=60.0)
    assert isinstance(ready, WorkerReady)


def test_no_single_claim_makes_a_fleet_slow() -> None:
    """Of two the quicker one counts, of more the median."""
    claims = [1e-9, 1e3]
    ready = [WorkerReady(f"w{k}", 1, work_s=claim) for k, claim in enumerate(claims)]
    assert pace_of(ready).work_s == 1e-9
    assert pace_of([*ready, WorkerReady("w3", 1, work_s=2e-9)]).work_s == 2e-9
    assert pace_of([WorkerReady("w", 1)]) == FLEET


def test_what_nobody_expected_ends_the_greeting(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of ours comes out, instead of a wait for ever."""

    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(handshake, "admitted", fail)
    with pytest.raises(ZeroDivisionError):
        greeted(CopyingWorkers(), ["one:1"])
