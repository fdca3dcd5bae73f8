"""`coord doctor`: what is right and wrong with each worker of a fleet, and what to do about it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from rich.table import Table

from coordinator.display.worker_table import print_table, workers_table
from coordinator.engines.http.client import Client
from coordinator.engines.http.handshake import no_worker_error
from coordinator.engines.http.health import Health
from coordinator.engines.http.refusal import Refusal
from coordinator.engines.http.session import Session
from coordinator.events import FailureKind, WorkerLost
from coordinator.hosts.addresses import name_of
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
    """The state of one worker; a `trouble` says what is wrong and what to do about it.

    It was `let_in` if it answered who shows the token: another refusal tells nothing of that.
    """

    worker: str
    reached: bool = False
    let_in: bool = False
    health: Health | None = None
    attested: bool = False
    round_trip_s: float = math.nan
    bytes_per_s: float = math.nan
    trouble: str = ""
    untrusted: bool = False
    wrong_token: bool = False

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
            _answer(self.let_in, when=self.let_in or self.wrong_token),
            *words,
            _answer(self.attested, when=self.let_in and self.health is not None),
            _places(self.health),
            "" if math.isnan(self.round_trip_s) else brief_time(self.round_trip_s),
            "" if math.isnan(self.bytes_per_s) else megabytes(self.bytes_per_s),
        )


COLUMNS = (
    *("worker", "reached", "token", "version", "slots", "kernel", "bits", "places", "trip", "MB/s"),
)


def _answer(answer: bool, *, when: bool) -> str:
    if not when:
        return UNKNOWN
    return YES if answer else NO


def _places(health: Health | None) -> str:
    """Return whether a worker opens files itself: in small letters, for none need to."""
    if health is None:
        return UNKNOWN
    return YES if health.places else "no"


def run_doctor(config: Config, credential: Credential) -> list[str]:
    """Examine a fleet and print the table; return the names of those that can't be used.

    Raises
    ------
    TrustError, NoWorkerError
        If no worker can be used.
    """
    findings = told_apart(_examine_all(config, credential), config, credential)
    troubled = [finding for finding in findings if finding.trouble]
    useless = len(troubled) == len(findings)
    lines = () if useless else (f"{each.worker}: {each.trouble}" for each in troubled)
    print_table(table(findings), lines)
    if useless:
        lost = [WorkerLost(f.worker, f.trouble, untrusted=f.untrusted) for f in troubled]
        raise no_worker_error(lost, hint=False)
    return [each.worker for each in troubled]


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
        return Finding(
            name,
            reached,
            trouble=refusal.advised(client.host.url),
            untrusted=refusal.untrusted,
            wrong_token=refusal.wrong_token,
        )
    try:
        client.attest(PROBES)
    except Refusal as refusal:
        return Finding(name, True, True, health, trouble=refusal.reason)
    return Finding(name, True, True, health, attested=True)


def told_apart(
    findings: Sequence[Finding], config: Config, credential: Credential
) -> list[Finding]:
    """Say of each worker that refuses our token which is the odd one, and what to do about it.

    Parameters
    ----------
    findings : sequence of Finding
    config : Config
        Has the addresses.
    credential : Credential
        What was shown to all.
    """
    others = [f.worker for f in findings if f.let_in]
    refusing = sum(finding.wrong_token for finding in findings)
    if credential.token is None:
        error = "wants a token, and there is none here"
    elif others:
        more = f" and {len(others) - 1} more" if others[1:] else ""
        error = f"has another token than {others[0]}{more} and this machine"
    elif refusing > 1:
        error = (
            f"has another token than this machine, as all {refusing} have: "
            "ours is the odd one, or each has its own"
        )
    else:
        error = "has another token than this machine"
    urls = {host.name: host.url for host in config.hosts}
    return [
        replace(finding, trouble=f"{error}: {_cure(urls[finding.worker], credential)}")
        if finding.wrong_token
        else finding
        for finding in findings
    ]


def _cure(url: str, credential: Credential) -> str:
    """Return what gives a worker and this machine one token."""
    name = name_of(url)
    address = name if url.startswith("http://") else url
    pair = f"restart it with `worker --pair` and run `coord pair {address} CODE`"
    if credential.token is None:
        return f"{pair}; or copy its token file to {credential.place}, and chmod 600 it"
    machine = name.rpartition(":")[0]
    is_target = not machine.startswith("[")  # scp and ssh spell IPv6 in two ways
    return f"{pair}; or `coord token copy {machine}` and restart it" if is_target else pair


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
