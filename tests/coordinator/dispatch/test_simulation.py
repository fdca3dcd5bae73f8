"""Ten thousand schedules that never happened, each checked; `make simulate` plays more."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from random import Random

import pytest

from coordinator.dispatch.outcome import Outcome
from coordinator.dispatch.policy import Limits
from coordinator.errors import ExitCode
from tests.coordinator.dispatch.simulation import (
    Nature,
    Simulation,
    World,
    even_works,
    has_hope,
    random_nature,
    random_world,
)

SCHEDULES = int(os.environ.get("TILEFAN_SCHEDULES", "10000"))
FIRST = int(os.environ.get("TILEFAN_FIRST_SCHEDULE", "0"))
PARTS = 20


@pytest.mark.parametrize("part", range(PARTS))
def test_every_schedule_ends_as_promised(part: int) -> None:
    """No rule is broken in any of them, and a fleet whose ills pass gets done.

    It may have bad luck, about once in 10,000: a tile in hand at each of three deaths, or a fleet
    that is away whenever it is asked. Then it fails in words, as any other.
    """
    codes: Counter[int] = Counter()
    hopeful = done = 0
    for seed in range(FIRST + part, FIRST + SCHEDULES, PARTS):
        world = random_world(seed)
        outcome = play(world)
        codes[outcome.exit_code] += 1
        if has_hope(world):
            assert outcome.exit_code in (ExitCode.DONE, ExitCode.FAILED), seed
            hopeful, done = hopeful + 1, done + outcome.done
    assert {ExitCode.DONE, ExitCode.FAILED} <= set(codes)
    assert done >= 0.995 * hopeful


def play(world: World) -> Outcome:
    """Run a world to its end; name the schedule if a rule is broken."""
    try:
        return Simulation(world).run(most_events=200_000)
    except AssertionError as error:
        error.add_note(f"schedule {world.seed}: random_world({world.seed})")
        raise


@pytest.mark.parametrize("seed", range(40))
def test_the_same_seed_gives_the_same_history(seed: int) -> None:
    """Every event and every instruction, at the same time and in the same order."""
    first, second = (Simulation(random_world(seed), record=True) for _ in range(2))
    first.run()
    second.run()
    assert first.checked.history == second.checked.history


@pytest.mark.parametrize("workers", [1, 10, 100, 1000])
@pytest.mark.parametrize("seed", [1, 2])
def test_fleets_of_any_size_come_through(workers: int, seed: int) -> None:
    """Half of the workers have a vice; the other half get everything done."""
    rng = Random(seed)
    natures = tuple(
        random_nature(rng) if index % 2 else Nature(tile_s=0.5) for index in range(workers)
    )
    natures = tuple(replace(nature, lies=0.0) for nature in natures)
    world = World(natures, even_works(3 * workers, 1000), seed, Limits(keep_going=True))
    simulation = Simulation(world)
    outcome = simulation.run()
    assert outcome.done or all(len(each.faults) >= 3 for each in outcome.failed)
    assert len(simulation.checked.accepted) >= 0.99 * len(world.works)


def finish_s(world: World) -> float:
    """Run to success; the simulated time it took."""
    simulation = Simulation(world)
    assert simulation.run().done
    return simulation.now


HEALTHY = World((Nature(),) * 8, even_works(240), seed=1)


def test_a_slow_worker_does_not_hold_the_tail() -> None:
    """One worker of eight ten times slower: within 1.3 of the healthy fleet."""
    slow = replace(HEALTHY, natures=(Nature(tile_s=10.0), *HEALTHY.natures[1:]))
    assert finish_s(slow) < 1.3 * finish_s(HEALTHY)


def test_a_dead_worker_costs_its_share() -> None:
    """One of four dies at once: within 1.5 of three workers' time."""
    four = World((Nature(dead=((3.0, 1e9),)), *(Nature(),) * 3), even_works(120), seed=1)
    three = World((Nature(),) * 3, even_works(120), seed=1)
    assert finish_s(four) < 1.5 * finish_s(three)


def test_a_frozen_worker_does_not_hold_the_run() -> None:
    """One of four freezes for good in the tail."""
    frozen = World((Nature(frozen=((9.5, 1e9),)), *(Nature(),) * 3), even_works(40), seed=1)
    assert finish_s(frozen) < finish_s(replace(frozen, natures=(Nature(),) * 4)) + 5.0


def test_a_healthy_fleet_is_hardly_hedged() -> None:
    """Even where durations vary by a half."""
    world = World((Nature(spread=0.5),) * 20, even_works(2000), seed=1)
    simulation = Simulation(world)
    assert simulation.run().done
    assert simulation.checked.hedges < 0.01 * len(world.works)


def test_the_whole_fleet_may_restart() -> None:
    """Ten seconds without anybody, and every tile still arrives."""
    restarting = Nature(dead=((5.2, 15.0),))
    world = World((restarting,) * 12, even_works(240), seed=1)
    simulation = Simulation(world)
    assert simulation.run().done
    assert simulation.checked.retries <= 24


def test_a_fleet_that_fails_everything_is_not_stormed() -> None:
    """The retries are counted; the run ends with the first tile's name."""
    world = World((Nature(tile_s=0.01, broken=1.0),) * 50, even_works(5000), seed=1)
    simulation = Simulation(world)
    outcome = simulation.run()
    assert outcome.exit_code == ExitCode.FAILED
    assert "tile " in outcome.message


def test_always_busy_workers_do_not_hang_the_run() -> None:
    """Being turned away is no failure, but not for ever."""
    world = World((Nature(busy=1.0),) * 2, even_works(3), seed=1)
    simulation = Simulation(world)
    assert simulation.run().exit_code == ExitCode.FAILED
    assert simulation.now > world.limits.busy_timeout_s


def test_a_flapping_door_does_not_hang_the_run() -> None:
    """A worker that greets and then refuses every connection ends the run in time."""
    simulation = Simulation(World((Nature(hollow=True),), even_works(3), seed=1))
    assert simulation.run().exit_code == ExitCode.FAILED
