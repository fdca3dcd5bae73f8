"""Hundreds of runs over a faulty network, each drawn from its seed: right bits or a clear error.

`TILEFAN_CHAOS_RUNS` says how many; `TILEFAN_CHAOS_SEED` where they begin.
"""

from __future__ import annotations

import logging
import os
import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from coordinator.hosts.by_reference import ByReference
from tests.chaos.proxy import FAULTLESS, Draw, Fault, Kind, ProxyGroup, Script, open_proxies
from tests.chaos.runs import Leaks, Task
from tests.support.processes import WorkerProcess, running_workers

RUNS = int(os.environ.get("TILEFAN_CHAOS_RUNS", "200"))
FIRST = int(os.environ.get("TILEFAN_CHAOS_SEED", "0"))
BATCH = 20

DTYPES = ("f4", "f8", "i4", "u1", "c16", ">i2")
MODES = ("reflect", "wrap", "constant", "nearest", "mirror")
KINDS = tuple(kind for kind in Kind if kind not in (Kind.NOTHING, Kind.LAG))


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[WorkerProcess]]:
    """Three workers that stay; nothing that a connection does may harm them."""
    served = "--serve-from", str(tmp_path_factory.getbasetemp())
    with running_workers(3, "--threads", "2", "--kernel", "reference", *served) as running:
        yield running


@pytest.fixture(scope="module")
def proxies() -> Iterator[ProxyGroup]:
    with open_proxies() as opened:
        yield opened


def fault(rng: random.Random) -> Fault:
    """Draw a fault that comes early or late, and does not last longer than a test may."""
    return Fault(
        rng.choice(KINDS),
        at=int(10 ** rng.uniform(0.0, 4.5)),
        size=rng.randint(1, 400),
        seconds=rng.uniform(0.0, 0.05),
    )


def scripts(seed: str, share: float) -> Draw:
    """Draw the scripts of a worker's connections, this share of them with a fault."""

    def draw(connection: int) -> Script:
        rng = random.Random(f"{seed}/{connection}")
        if rng.random() >= share:
            return FAULTLESS
        return Script(fault(rng), Fault()) if rng.random() < 0.4 else Script(Fault(), fault(rng))

    return draw


def task(folder: Path, rng: random.Random) -> Task:
    """Draw a small array and a filter of it."""
    shape = (rng.randint(30, 80), rng.randint(20, 50))
    values = np.random.default_rng(rng.getrandbits(32)).random(shape) * 250
    tile = (rng.randint(9, 20), rng.randint(12, 30))
    array = values.astype(rng.choice(DTYPES))
    sigma, mode = rng.choice([0.7, 1.5, 3.0]), rng.choice(MODES)
    way: ByReference = "auto" if rng.random() < 0.5 else "never"
    return Task.make(folder, array, sigma, tile, mode, way)


def run_once(seed: int, folder: Path, proxies: ProxyGroup, workers: list[WorkerProcess]) -> bool:
    """Carry out one seeded run, and check it; return whether it brought the output."""
    rng = random.Random(seed)
    work = task(folder, rng)
    addresses = [worker.address for worker in workers]
    faulty = [
        proxies.proxy(address, scripts(f"{seed}/{i}", rng.choice([0.1, 0.3, 0.6])))
        for i, address in enumerate(addresses[: rng.randint(1, 3)])
    ]
    result = work.carry_out([proxy.address for proxy in faulty])
    proxies.close()
    return work.check(result, addresses)


@pytest.mark.parametrize("batch", range(-(-RUNS // BATCH)))
def test_runs_over_a_faulty_network(
    batch: int,
    tmp_path: Path,
    proxies: ProxyGroup,
    workers: list[WorkerProcess],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Nothing wrong, nothing left, no hang; and most runs get finished."""
    caplog.set_level(logging.WARNING)
    leaks = Leaks()
    seeds = range(FIRST + batch * BATCH, FIRST + min((batch + 1) * BATCH, RUNS))
    finished = 0
    for seed in seeds:
        try:
            finished += run_once(seed, tmp_path, proxies, workers)
        except BaseException as error:
            error.add_note(f"TILEFAN_CHAOS_SEED={seed} TILEFAN_CHAOS_RUNS=1 repeats it")
            raise
    leaks.check()
    assert finished >= 0.8 * len(seeds)
    assert [record.getMessage() for record in caplog.records] == []
    assert all(worker.process.poll() is None for worker in workers)
