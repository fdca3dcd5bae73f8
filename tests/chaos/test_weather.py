"""Hundreds of runs in bad weather, each drawn from its seed: right bits or a clear error.

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

from tests.chaos.bench import Leaks, Task
from tests.chaos.proxy import CALM, Draw, Fault, Kind, Lab, Script, open_lab
from tests.support.processes import WorkerProcess, running_workers

RUNS = int(os.environ.get("TILEFAN_CHAOS_RUNS", "200"))
FIRST = int(os.environ.get("TILEFAN_CHAOS_SEED", "0"))
BATCH = 20

DTYPES = ("f4", "f8", "i4", "u1", "c16", ">i2")
MODES = ("reflect", "wrap", "constant", "nearest", "mirror")
KINDS = tuple(kind for kind in Kind if kind not in (Kind.NOTHING, Kind.LAG))


@pytest.fixture(scope="module")
def workers() -> Iterator[list[WorkerProcess]]:
    """Three workers that stay; nothing that a connection does may harm them."""
    with running_workers(3, "--threads", "2", "--kernel", "reference") as running:
        yield running


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with open_lab() as opened:
        yield opened


def fault(rng: random.Random) -> Fault:
    """Draw a fault that strikes early or late, and does not last longer than a test may."""
    return Fault(
        rng.choice(KINDS),
        at=int(10 ** rng.uniform(0.0, 4.5)),
        size=rng.randint(1, 400),
        seconds=rng.uniform(0.0, 0.05),
    )


def weather(seed: str, bad: float) -> Draw:
    """Draw the scripts of a worker's connections, so many of them bad."""

    def draw(connection: int) -> Script:
        rng = random.Random(f"{seed}/{connection}")
        if rng.random() >= bad:
            return CALM
        return Script(fault(rng), Fault()) if rng.random() < 0.4 else Script(Fault(), fault(rng))

    return draw


def task(folder: Path, rng: random.Random) -> Task:
    """Draw a small array and a filter of it."""
    shape = (rng.randint(30, 80), rng.randint(20, 50))
    values = np.random.default_rng(rng.getrandbits(32)).random(shape) * 250
    tile = (rng.randint(9, 20), rng.randint(12, 30))
    array = values.astype(rng.choice(DTYPES))
    return Task.make(folder, array, rng.choice([0.7, 1.5, 3.0]), tile, rng.choice(MODES))


def storm(seed: int, folder: Path, lab: Lab, workers: list[WorkerProcess]) -> bool:
    """Carry out one seeded run, and check it; return whether it brought the output."""
    rng = random.Random(seed)
    work = task(folder, rng)
    calm = [worker.address for worker in workers]
    proxies = [
        lab.proxy(address, weather(f"{seed}/{i}", rng.choice([0.1, 0.3, 0.6])))
        for i, address in enumerate(calm[: rng.randint(1, 3)])
    ]
    result = work.carry_out([proxy.address for proxy in proxies])
    lab.close()
    return work.check(result, calm)


@pytest.mark.parametrize("batch", range(-(-RUNS // BATCH)))
def test_bad_weather(
    batch: int,
    tmp_path: Path,
    lab: Lab,
    workers: list[WorkerProcess],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Nothing wrong, nothing left, no hang; and most runs get through."""
    caplog.set_level(logging.WARNING)
    leaks = Leaks()
    seeds = range(FIRST + batch * BATCH, FIRST + min((batch + 1) * BATCH, RUNS))
    through = 0
    for seed in seeds:
        try:
            through += storm(seed, tmp_path, lab, workers)
        except BaseException as error:
            error.add_note(f"TILEFAN_CHAOS_SEED={seed} TILEFAN_CHAOS_RUNS=1 repeats it")
            raise
    leaks.check()
    assert through >= 0.8 * len(seeds)
    assert [record.getMessage() for record in caplog.records] == []
    assert all(worker.process.poll() is None for worker in workers)
