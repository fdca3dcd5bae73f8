"""Cost of faults: ratios of runs with a fault to runs without.

    python -m benchmarks.faults [--repeats 3]

Each worker stands behind a proxy that lets every tile's answer wait, so that tiles are bound by
latency and a fleet makes sense on two cores. All thresholds are everybody's defaults, and walls
are medians.
"""

from __future__ import annotations

import argparse
import signal
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import numpy as np
from rich.console import Console
from rich.table import Table

from coordinator.api.fleet import Fleet
from coordinator.events import Event, TileHedged, TileSent, TileStored
from coordinator.hosts.hosts_file import parse_hosts
from tests.chaos.proxy import Fault, Kind, ProxyGroup, Script, open_proxies
from tests.support.processes import WorkerProcess, running_workers

LAG_S = 0.1
GREETING_BYTES = 1_000  # what is shorter does not wait: the worker is slow, not the network
TILES = 160
ROWS = 4
UNEVEN = (1, 1, 2, 4, 8)
"""Times `LAG_S` that each of a fleet's workers takes for a tile."""

ARGUMENTS = ("--threads", "1", "--kernel", "reference")

Act = Callable[["Measured", Event], None]


@dataclass
class Measured:
    """One run: its wall time, and its events with their times."""

    wall_s: float = 0.0
    events: list[tuple[float, Event]] = field(default_factory=list)

    @property
    def hedges(self) -> int:
        """Tiles that were sent twice because they were late."""
        return sum(isinstance(event, TileHedged) for _, event in self.events)

    @property
    def stored(self) -> int:
        """Tiles that are done."""
        return sum(isinstance(event, TileStored) for _, event in self.events)

    def median_s(self) -> float:
        """Median time from a tile's first sending to its storing."""
        sent: dict[int, float] = {}
        times = []
        for at, event in self.events:
            if isinstance(event, TileSent):
                sent.setdefault(event.tile, at)
            elif isinstance(event, TileStored):
                times.append(at - sent[event.tile])
        return statistics.median(times)

    def resent_after_s(self, worker: str) -> float:
        """Longest wait of a tile at this worker until it was sent elsewhere."""
        held: dict[int, float] = {}
        waits = [0.0]
        for at, event in self.events:
            if isinstance(event, TileSent) and event.worker == worker:
                held[event.tile] = at
            elif isinstance(event, TileStored):
                held.pop(event.tile, None)
            elif isinstance(event, TileSent) and event.tile in held:
                waits.append(at - held.pop(event.tile))
        return max(waits)


def measure(addresses: Sequence[str], act: Act = lambda *_: None) -> Measured:
    """Filter an array on a fleet whose workers take one tile at a time."""
    config = parse_hosts(addresses)
    hosts = tuple(replace(host, slots=1) for host in config.hosts)
    result = Measured()

    def listen(at: float, event: Event) -> None:
        result.events.append((at, event))
        act(result, event)

    x = np.random.default_rng(0).random((TILES * ROWS, 128), dtype=np.float32)
    with Fleet(replace(config, hosts=hosts), listen=listen) as fleet:
        began = time.perf_counter()
        fleet.gaussian_filter(x, 1.0, tile=(ROWS, 128))
        result.wall_s = time.perf_counter() - began
    return result


@contextmanager
def fleet_of(count: int, lags: Sequence[float] = ()) -> Iterator[tuple[list[str], WorkerProcess]]:
    """Run workers behind lagging proxies; yield their addresses and the first worker's process."""
    lags = (*lags, *(LAG_S for _ in range(count - len(lags))))
    with running_workers(count, *ARGUMENTS) as workers, open_proxies() as proxies:
        addresses = [
            _proxied(proxies, worker, lag_s) for worker, lag_s in zip(workers, lags, strict=True)
        ]
        yield addresses, workers[0]


def _proxied(proxies: ProxyGroup, worker: WorkerProcess, lag_s: float) -> str:
    script = Script(back=Fault(Kind.LAG, size=GREETING_BYTES, seconds=lag_s))
    return proxies.proxy(worker.address, lambda _: script).address


def healthy(count: int) -> Measured:
    """No faults."""
    with fleet_of(count) as (addresses, _):
        return measure(addresses)


def straggling(count: int) -> Measured:
    """One worker takes ten times as long."""
    with fleet_of(count, [10 * LAG_S]) as (addresses, _):
        return measure(addresses)


def uneven() -> Measured:
    """Workers whose speeds differ up to eight times."""
    with fleet_of(len(UNEVEN), [each * LAG_S for each in UNEVEN]) as (addresses, _):
        return measure(addresses)


def signalled(count: int, number: signal.Signals) -> tuple[Measured, str]:
    """One worker gets a signal when a tenth is done and it has a tile."""
    with fleet_of(count) as (addresses, first):
        done = False

        def act(run: Measured, event: Event) -> None:
            nonlocal done
            mine = isinstance(event, TileSent) and event.worker == addresses[0]
            if not done and mine and run.stored >= TILES // 10:
                done = True
                first.send(number)

        return measure(addresses, act), addresses[0]


def oracle() -> float:
    """Return the least time for `TILES` by who knows what each worker of `UNEVEN` takes."""
    free_s = [0.0] * len(UNEVEN)
    for _ in range(TILES):
        first = min(range(len(UNEVEN)), key=lambda k: free_s[k] + UNEVEN[k] * LAG_S)
        free_s[first] += UNEVEN[first] * LAG_S
    return max(free_s)


def wall_s(runs: Sequence[Measured]) -> float:
    """Median wall time."""
    return statistics.median(run.wall_s for run in runs)


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    repeats = range(parser.parse_args().repeats)
    four = [healthy(4) for _ in repeats]
    three = [healthy(3) for _ in repeats]
    eight = [healthy(8) for _ in repeats]
    killed = [signalled(4, signal.SIGKILL)[0] for _ in repeats]
    slow4 = [straggling(4) for _ in repeats]
    slow8 = [straggling(8) for _ in repeats]
    frozen = [signalled(4, signal.SIGSTOP) for _ in repeats]
    mixed = [uneven() for _ in repeats]
    table = Table(title=f"{TILES} tiles, answers wait {LAG_S} s, medians of {len(repeats)}")
    for name in ("run", "wall, s", "against", "ratio", "promised"):
        table.add_column(name, justify="left" if name in ("run", "against") else "right")
    table.add_row("four workers", f"{wall_s(four):.2f}", "", "", "")
    table.add_row("three workers", f"{wall_s(three):.2f}", "", "", "")
    table.add_row("eight workers", f"{wall_s(eight):.2f}", "", "", "")
    rows = [
        ("one of four killed", killed, "three workers", three, "1.5"),
        ("one of four 10 x slower", slow4, "four workers (3.1 would do: 1.29)", four, "1.3"),
        ("one of eight 10 x slower", slow8, "eight workers (7.1 would do: 1.13)", eight, "1.3"),
    ]
    for name, runs, than, base, promised in rows:
        ratio = wall_s(runs) / wall_s(base)
        table.add_row(name, f"{wall_s(runs):.2f}", than, f"{ratio:.2f}", promised)
    rate, oracle_s = sum(1 / each for each in UNEVEN), oracle()
    table.add_row(
        "five, 1 to 8 x slower",
        f"{wall_s(mixed):.2f}",
        f"an oracle with as much a tile ({rate:.1f} workers' speed)",
        f"{wall_s(mixed) / (wall_s(four) * oracle_s / (LAG_S * TILES / 4)):.2f}",
        "1.1",
    )
    waits = [run.resent_after_s(first) for run, first in frozen]
    limit = max(2.0, 3 * statistics.median(run.median_s() for run, _ in frozen))
    table.add_row(
        "one of four stopped",
        f"{wall_s([run for run, _ in frozen]):.2f}",
        "its tile went elsewhere after",
        f"{max(waits):.2f} s",
        f"{limit:.2f} s",
    )
    hedges = sum(run.hedges for run in (*four, *three, *eight))
    share = hedges / (TILES * 3 * len(repeats))
    table.add_row("healthy", "", "tiles hedged", f"{share:.1%}", "5 %")
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
