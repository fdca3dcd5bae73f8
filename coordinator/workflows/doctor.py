"""`coord doctor`: what is right and wrong with each worker of a fleet, and what to do about it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from coordinator.display.worker_table import UNBOUNDED, workers_table
from coordinator.engines.http.client import Client
from coordinator.engines.http.handshake import no_worker_error
from coordinator.engines.http.health import Health
from coordinator.engines.http.refusal import Refusal
from coordinator.engines.http.session import Session
from coordinator.events import FailureKind, WorkerLost
from coordinator.hosts.hosts_file import Config
from coordinator.hosts.token import Credential
from coordinator.planning.measure_fleet import timed_block, timed_greeting
from coordinator.text import brief_time, count, megabytes
from tiling.jobs.job import Call, Job
from tiling.operations import Correlations
from tiling.probes.correlations import MODES, PAIRS

PROBES = tuple(f"{source}-{target}-{mode}" for source, target in PAIRS for mode in MODES)
"""Those of the dtypes that people filter; a job's own are asked for when it starts."""

ROUNDS = 5
"""Requests whose quickest is the round trip."""

BLOCK = np.zeros(4_000_000, np.uint8)
"""Measures the speed of a link: large against a round trip, small against a second."""

COPY = Job(1, (Call("copy", Correlations(()), BLOCK.dtype, BLOCK.dtype),))
"""The job that computes nothing."""

YES, NO, UNKNOWN = "yes", "NO", ""


@dataclass(frozen=True, slots=True)
class Finding:
    """The state of one worker; a `trouble` says what is wrong and what to do about it."""

    worker: str
    reached: bool = False
    let_in: bool = False
    health: Health | None = None
    attested: bool = False
    round_trip_s: float = math.nan
    bytes_per_s: float = math.nan
    trouble: str = ""
    untrusted: bool = False

    @property
    def cells(self) -> tuple[str, ...]:
        """The row of the table."""
        health = self.health or Health()
        about = dict(health.about)
        slots = UNKNOWN if health.slots is None else str(health.slots)
        words = (about.get("version", UNKNOWN)[:20], slots, about.get("kernel", UNKNOWN)[:20])
        return (
            self.worker,
            YES if self.reached else NO,
            _answer(self.let_in, when=self.reached),
            *words,
            _answer(self.attested, when=self.let_in and self.health is not None),
            "" if math.isnan(self.round_trip_s) else brief_time(self.round_trip_s),
            "" if math.isnan(self.bytes_per_s) else megabytes(self.bytes_per_s),
        )


COLUMNS = ("worker", "reached", "token", "version", "slots", "kernel", "bits", "trip", "MB/s")


def _answer(answer: bool, *, when: bool) -> str:
    if not when:
        return UNKNOWN
    return YES if answer else NO


def run_doctor(config: Config, credential: Credential) -> None:
    """Examine a fleet and print the table.

    Raises
    ------
    TrustError, NoWorkerError
        If no worker can be used.
    """
    findings = _examine_all(config, credential)
    console = Console(width=UNBOUNDED)
    console.print(table(findings))
    for finding in findings:
        if finding.trouble:
            console.print(Text(f"{finding.worker}: {finding.trouble}"))
    troubled = [finding for finding in findings if finding.trouble]
    if len(troubled) == len(findings):
        lost = [WorkerLost(f.worker, f.trouble, untrusted=f.untrusted) for f in troubled]
        raise no_worker_error(lost)


def table(findings: Sequence[Finding]) -> Table:
    """Return the findings as a table; words of workers stay text."""
    rows = ((finding.cells, bool(finding.trouble)) for finding in findings)
    return workers_table(count(len(findings), "worker"), COLUMNS, rows)


def _examine_all(config: Config, credential: Credential) -> list[Finding]:
    """Examine all workers at once, but for the links: those share a cable."""
    with Session(config, credential) as session:
        findings = session.threads.map(examine, session.clients.values())
        return [measure(session.clients[finding.worker], finding) for finding in findings]


def examine(client: Client) -> Finding:
    """Find out whether a worker can be used."""
    name = client.host.name
    try:
        health = client.health()
    except Refusal as refusal:
        reached = refusal.kind not in {FailureKind.UNREACHED, FailureKind.TIMEOUT}
        let_in = reached and not refusal.untrusted
        trouble = _advised(refusal, name)
        return Finding(name, reached, let_in, trouble=trouble, untrusted=refusal.untrusted)
    try:
        client.attest(PROBES)
    except Refusal as refusal:
        return Finding(name, True, True, health, trouble=refusal.reason)
    return Finding(name, True, True, health, attested=True)


def _advised(refusal: Refusal, name: str) -> str:
    """Add what to do about a worker that can not be reached."""
    if refusal.kind not in {FailureKind.UNREACHED, FailureKind.TIMEOUT}:
        return refusal.reason
    port = name.rpartition(":")[2]
    return f"{refusal.reason}: start `worker --port {port}` there, or open that port on the way"


def measure(client: Client, finding: Finding) -> Finding:
    """Measure round trip and speed of a worker that can be used."""
    if finding.trouble:
        return finding
    try:
        trips = [timed_greeting(client) for _ in range(ROUNDS)]
        client.register(COPY)
        timed_block(client, COPY, BLOCK)  # the first one opens windows and touches memory
        seconds = timed_block(client, COPY, BLOCK)
    except Refusal as refusal:
        return Finding(
            finding.worker, True, True, finding.health, finding.attested, trouble=refusal.reason
        )
    speed = 2 * BLOCK.nbytes / seconds
    return Finding(finding.worker, True, True, finding.health, True, min(trips), speed)
