"""`coord hosts`: the workers of a hosts.toml as they are now, once or again and again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from coordinator.display.worker_table import workers_table
from coordinator.engines.http.client import Client, Refusal, make_clients
from coordinator.engines.http.pool import ConnectionPool
from coordinator.errors import InputError, NoWorkerError
from coordinator.hosts.hosts_file import Config
from coordinator.hosts.token import Credential
from coordinator.text import brief_time, clock, count, inert, megabytes

EVERY_S: Final = 2.0
"""Between two looks."""

COLUMNS: Final = ("worker", "state", "slots", "busy", "queue", "MB", "up", "kernel", "trip")


@dataclass(frozen=True, slots=True)
class Seen:
    """A worker as it was a moment ago: what it says of itself, or why it says nothing."""

    worker: str
    health: Mapping[str, Any] | None = None
    round_trip_s: float = 0.0
    trouble: str = ""

    @property
    def cells(self) -> tuple[str, ...]:
        """The row of the table; a worker's words are cut and made harmless."""
        if self.health is None:
            return (self.worker, "lost", *[""] * (len(COLUMNS) - 2))
        memory = self.health.get("memory")
        resident = memory.get("resident_bytes") if isinstance(memory, dict) else None
        said = [
            inert(str(self.health.get(key, "")))[:12] for key in ("slots", "in_flight", "queue")
        ]
        up_s = self.health.get("uptime_s")
        return (
            self.worker,
            inert(str(self.health.get("status", "")))[:12],
            *said,
            megabytes(resident) if isinstance(resident, int) else "",
            clock(up_s) if isinstance(up_s, int | float) else "",
            inert(str(self.health.get("kernel", "")))[:12],
            brief_time(self.round_trip_s),
        )


def run_hosts(
    config: Config, credential: Credential, names: Sequence[str] = (), *, watch: bool = False
) -> None:
    """Print the workers; with `watch`, until somebody interrupts.

    Parameters
    ----------
    config : Config
    credential : Credential
    names : sequence of str
        Of the workers to look at; all unless given.
    watch : bool

    Raises
    ------
    InputError
        If a name is not in the hosts file.
    NoWorkerError
        If nobody could be reached.
    """
    chosen = pick(config, names)
    console = Console()
    if not watch:
        seen = asyncio.run(look_once(chosen, credential))
        console.print(drawn(seen))
        if all(each.health is None for each in seen):
            raise NoWorkerError(f"none of {len(seen)} workers can be reached; see coord doctor")
        return
    with suppress(KeyboardInterrupt):  # that is how one stops watching
        asyncio.run(_watch(chosen, credential, console))


def pick(config: Config, names: Sequence[str]) -> Config:
    """Return the configuration with these hosts only; with all if none is named."""
    known = {host.name: host for host in config.hosts}
    for name in names:
        if name not in known:
            raise InputError(f"{name}: not in the hosts file, which has {', '.join(known)}")
    return replace(config, hosts=tuple(known[name] for name in names)) if names else config


async def look_once(config: Config, credential: Credential) -> list[Seen]:
    """Ask every worker how it is, all at once."""
    with ConnectionPool(config.defaults.connect_timeout_s, credential.headers) as session:
        return await _look(make_clients(config, session, credential))


async def _watch(config: Config, credential: Credential, console: Console) -> None:
    with ConnectionPool(config.defaults.connect_timeout_s, credential.headers) as session:
        clients = make_clients(config, session, credential)
        with Live(console=console, auto_refresh=False) as live:
            while True:
                live.update(drawn(await _look(clients)), refresh=True)
                await asyncio.sleep(EVERY_S)


async def _look(clients: Mapping[str, Client]) -> list[Seen]:
    return list(await asyncio.gather(*(_ask(name, client) for name, client in clients.items())))


async def _ask(name: str, client: Client) -> Seen:
    began = time.perf_counter()
    try:
        health = await client.health()
    except Refusal as refusal:
        return Seen(name, trouble=refusal.reason)
    return Seen(name, health, time.perf_counter() - began)


def drawn(seen: Sequence[Seen]) -> Group:
    """Return the table, and a line for each worker that is in trouble."""
    rows = ((each.cells, bool(each.trouble)) for each in seen)
    return Group(workers_table(_title(seen), COLUMNS, rows), *_troubles(seen))


def _title(seen: Sequence[Seen]) -> str:
    reached = sum(each.health is not None for each in seen)
    return f"{reached} of {count(len(seen), 'worker')}, {time.strftime('%H:%M:%S')}"


def _troubles(seen: Sequence[Seen]) -> Iterator[Text]:
    return (Text(f"{each.worker}: {inert(each.trouble)}") for each in seen if each.trouble)
