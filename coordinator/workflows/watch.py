"""`coord hosts`: the workers of a hosts.toml as they are now, once or again and again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from typing import Final

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from coordinator.display.worker_table import print_table, workers_table
from coordinator.engines.http.client import Client
from coordinator.engines.http.health import Health
from coordinator.engines.http.refusal import Refusal
from coordinator.engines.http.session import Session
from coordinator.errors import InputError, NoWorkerError, TrustError
from coordinator.hosts.hosts_file import Config
from coordinator.hosts.token import Credential
from coordinator.text import brief_time, clock, count, inert, megabytes

AWAIT_S: Final = 0.5
"""Between two looks for a worker that is starting."""

EVERY_S: Final = 2.0
"""Between two looks."""

ADVICE: Final = "coord doctor says what to do"

COLUMNS: Final = ("worker", "state", "slots", "busy", "queue", "MB", "up", "kernel", "trip")


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """The answer of a worker to a request for its health, or why there is none."""

    worker: str
    health: Health | None = None
    round_trip_s: float = 0.0
    trouble: str = ""
    untrusted: bool = False

    @property
    def cells(self) -> tuple[str, ...]:
        """The row of the table; a worker's words are shortened, and control characters replaced."""
        if self.health is None:
            return (
                self.worker,
                "refused" if self.untrusted else "lost",
                *[""] * (len(COLUMNS) - 2),
            )
        health = self.health
        load = (health.slots, health.in_flight, health.queue)
        return (
            self.worker,
            health.status[:12],
            *("" if count is None else str(count) for count in load),
            "" if health.resident_bytes is None else megabytes(health.resident_bytes),
            "" if health.uptime_s is None else clock(health.uptime_s),
            dict(health.about).get("kernel", "")[:12],
            brief_time(self.round_trip_s),
        )


def run_hosts(
    config: Config,
    credential: Credential,
    *,
    watch: bool = False,
    show: Callable[[Sequence[WorkerStatus]], None] | None = None,
) -> None:
    """Print the workers; with `watch` or `show`, look again until it is interrupted.

    Parameters
    ----------
    config : Config
    credential : Credential
    watch : bool
        Whether to print them each time.
    show : callable, optional
        Takes what each look finds.

    Raises
    ------
    TrustError, NoWorkerError
        If no worker can be used.
    """
    if not watch and show is None:
        statuses = look_once(config, credential)
        print_table(status_table(statuses), _troubles(statuses))
        if all(each.health is None for each in statuses):
            if any(each.untrusted for each in statuses):
                raise TrustError(f"no worker that can be trusted, or that trusts us; {ADVICE}")
            raise NoWorkerError(f"no worker can be reached; {ADVICE}")
        return
    table = _printing() if watch else nullcontext(_nothing)
    # An interruption is the way to stop watching.
    with suppress(KeyboardInterrupt), Session(config, credential) as session, table as draw:
        while True:
            statuses = session.threads.map(_ask, session.clients.values())
            for each in (draw, show or _nothing):
                each(statuses)
            time.sleep(EVERY_S)


def await_workers(config: Config, find: Callable[[], Credential], patience_s: float) -> None:
    """Wait until all workers answer, or for so many seconds.

    Parameters
    ----------
    config : Config
    find : callable
        Finds the token: the first worker of a user may be about to make it.
    patience_s : float
    """
    until = time.monotonic() + patience_s
    while time.monotonic() < until:
        if all(each.health is not None for each in look_once(config, find())):
            return
        time.sleep(min(AWAIT_S, max(0.0, until - time.monotonic())))


def pick(config: Config, names: Sequence[str]) -> Config:
    """Return the configuration with these hosts only; with all if none is named.

    Raises
    ------
    InputError
        If a name is not in the hosts file.
    """
    hosts = {host.name: host for host in config.hosts}
    for name in names:
        if name not in hosts:
            raise InputError(f"{name}: not in the hosts file, which has {', '.join(hosts)}")
    return replace(config, hosts=tuple(hosts[name] for name in names)) if names else config


def look_once(config: Config, credential: Credential) -> list[WorkerStatus]:
    """Ask every worker how it is, all at once."""
    with Session(config, credential) as session:
        return session.threads.map(_ask, session.clients.values())


def _nothing(_: Sequence[WorkerStatus]) -> None:
    pass


@contextmanager
def _printing() -> Iterator[Callable[[Sequence[WorkerStatus]], None]]:
    """Yield what prints the table over the last one."""
    with Live(console=Console(), auto_refresh=False) as live:

        def draw(statuses: Sequence[WorkerStatus]) -> None:
            lines = map(Text, _troubles(statuses))
            live.update(Group(status_table(statuses), *lines), refresh=True)

        yield draw


def _ask(client: Client) -> WorkerStatus:
    name = client.host.name
    began = time.perf_counter()
    try:
        health = client.health()
    except Refusal as refusal:
        return WorkerStatus(name, trouble=refusal.reason, untrusted=refusal.untrusted)
    return WorkerStatus(name, health, time.perf_counter() - began)


def status_table(statuses: Sequence[WorkerStatus]) -> Table:
    """Return the table; those in trouble are red."""
    rows = ((each.cells, bool(each.trouble)) for each in statuses)
    return workers_table(title_of(statuses), COLUMNS, rows)


def title_of(statuses: Sequence[WorkerStatus]) -> str:
    """Say how many workers answered, and when."""
    reached = sum(each.health is not None for each in statuses)
    return f"{reached} of {count(len(statuses), 'worker')}, {time.strftime('%H:%M:%S')}"


def _troubles(statuses: Sequence[WorkerStatus]) -> Iterator[str]:
    return (f"{each.worker}: {inert(each.trouble)}" for each in statuses if each.trouble)
