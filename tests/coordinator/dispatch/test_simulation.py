"""Ten thousand random scenarios, each checked; `make simulate` runs more."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from random import Random
from statistics import median

import pytest

from coordinator.dispatch.limits import Limits
from coordinator.dispatch.outcome import Outcome
from coordinator.errors import ExitCode
from tests.coordinator.dispatch.simulation import (
    FakeWorker,
    Scenario,
    Simulation,
    can_finish,
    even_works,
    random_scenario,
    random_worker,
)

SCHEDULES = int(os.environ.get("TILEFAN_SCHEDULES", "10000"))
FIRST = int(os.environ.get("TILEFAN_FIRST_SCHEDULE", "0"))
PARTS = 20
FLEETS = SCHEDULES // 20


@pytest.mark.parametrize("part", range(PARTS))
def test_every_scenario_ends_as_documented(part: int) -> None:
    """No rule is broken in any of them, and a fleet whose faults end is done.

    It may have bad luck, about once in 10,000: a tile in hand at each of three deaths, or a fleet
    that is away whenever it is asked. Then it fails in words, as any other.
    """
    codes: Counter[int] = Counter()
    finishable = done = 0
    for seed in range(FIRST + part, FIRST + SCHEDULES, PARTS):
        scenario = random_scenario(seed)
        outcome = run(scenario)
        codes[outcome.exit_code] += 1
        if can_finish(scenario):
            assert outcome.exit_code in (ExitCode.DONE, ExitCode.FAILED), seed
            finishable, done = finishable + 1, done + outcome.done
    assert {ExitCode.DONE, ExitCode.FAILED} <= set(codes)
    assert done >= 0.995 * finishable - 1


def run(scenario: Scenario) -> Outcome:
    """Run a scenario to its end; name the seed if a rule is broken."""
    try:
        return Simulation(scenario).run(most_events=200_000)
    except AssertionError as error:
        error.add_note(f"scenario {scenario.seed}: random_scenario({scenario.seed})")
        raise


@pytest.mark.parametrize("seed", [7100488, 40000316, 40012808])
def test_answers_of_lost_workers_that_come_late(seed: int) -> None:
    """Their bytes were given to other tiles: the budget is exceeded by them alone."""
    run(random_scenario(seed))


@pytest.mark.parametrize("seed", range(40))
def test_the_same_seed_gives_the_same_history(seed: int) -> None:
    """Every event and every instruction, at the same time and in the same order."""
    first, second = (Simulation(random_scenario(seed), record=True) for _ in range(2))
    first.run()
    second.run()
    assert first.checked.history == second.checked.history


@pytest.mark.parametrize("workers", [1, 10, 100, 1000])
@pytest.mark.parametrize("seed", [1, 2])
def test_fleets_of_any_size_come_through(workers: int, seed: int) -> None:
    """Half of the workers have a fault; the other half do every tile."""
    rng = Random(seed)
    fakes = tuple(
        random_worker(rng) if index % 2 else FakeWorker(tile_s=0.5) for index in range(workers)
    )
    fakes = tuple(replace(fake, wrong_bits=0.0) for fake in fakes)
    scenario = Scenario(fakes, even_works(3 * workers, 1000), seed, Limits(keep_going=True))
    simulation = Simulation(scenario)
    outcome = simulation.run()
    assert outcome.done or all(len(each.failures) >= 3 for each in outcome.failed)
    assert len(simulation.checked.accepted) >= 0.99 * len(scenario.works)


def finish_s(scenario: Scenario) -> float:
    """Run until it is done; return the simulated seconds."""
    simulation = Simulation(scenario)
    assert simulation.run().done
    return simulation.now


HEALTHY = Scenario((FakeWorker(),) * 8, even_works(240), seed=1)


def test_a_slow_worker_does_not_hold_the_tail() -> None:
    """One worker of eight ten times slower: within 1.3 of the healthy fleet."""
    slow = replace(HEALTHY, fakes=(FakeWorker(tile_s=10.0), *HEALTHY.fakes[1:]))
    assert finish_s(slow) < 1.3 * finish_s(HEALTHY)


def oracle_s(scenario: Scenario) -> float:
    """Return the least time for equal tiles by who knows every speed, by bisection.

    A slot that takes t for a tile does floor(T / t) of them until T: the greedy schedule, which is
    the best for equal tiles, ends when these are enough.
    """
    low, high = 0.0, 1e6
    while high - low > 1e-6 * high:
        middle = (low + high) / 2
        done = sum(fake.slots * int(middle / fake.tile_s) for fake in scenario.fakes)
        low, high = (low, middle) if done >= len(scenario.works) else (middle, high)
    return high


def uneven(seed: int, *, stragglers: bool) -> Scenario:
    """Return a fleet whose speeds differ up to 8 times, with 5 to 10 tiles for each slot."""
    rng = Random(seed)
    fakes = tuple(
        FakeWorker(tile_s=2.0 ** rng.uniform(-3, 0), spread=0.05, slots=rng.choice([1, 2, 4]))
        for _ in range(rng.randint(2, 12))
    )
    if stragglers and len(fakes) > 2:
        fakes = (replace(fakes[0], tile_s=10.0 * fakes[0].tile_s), *fakes[1:])
    slots = sum(fake.slots for fake in fakes)
    return Scenario(fakes, even_works(slots * rng.randint(5, 10)), seed)


@pytest.mark.parametrize(("stragglers", "most"), [(False, 1.1), (True, 1.2)])
def test_uneven_fleets_are_nearly_as_fast_as_an_oracle(stragglers: bool, most: float) -> None:
    """The median within a tenth; with a worker that is ten times slower, a fifth."""
    scenarios = [uneven(seed, stragglers=stragglers) for seed in range(FLEETS)]
    ratios = [finish_s(scenario) / oracle_s(scenario) for scenario in scenarios]
    assert median(ratios) < most
    assert sorted(ratios)[int(0.9 * len(ratios))] < most + 0.3


@pytest.mark.parametrize("hour_s", [3600.0, 36_000.0])
def test_a_tile_may_take_hours(hour_s: float) -> None:
    """Nothing bounds the time of a worker that says that it computes."""
    scenario = Scenario((FakeWorker(tile_s=hour_s),) * 3, even_works(4), seed=1)
    simulation = Simulation(scenario)
    assert simulation.run().done
    assert simulation.now < 2.5 * hour_s


def test_a_worker_that_pretends_to_compute_holds_nothing_up() -> None:
    """Four tiles, of which one worker has two and never answers; the other is idle soon."""
    fakes = (FakeWorker(pretends=True, slots=2), FakeWorker(tile_s=0.3, slots=2))
    assert finish_s(Scenario(fakes, even_works(4), seed=1)) < 5.0


def test_a_worker_with_a_thousand_slots_that_is_always_busy() -> None:
    """It is turned to with one tile at a time."""
    fakes = (FakeWorker(busy=1.0, slots=1024), FakeWorker(tile_s=0.1, slots=2))
    scenario = Scenario(fakes, even_works(60), seed=1)
    assert finish_s(scenario) < 1.5 * 60 * 0.1 / 2 + 1.0


def test_a_dead_worker_costs_its_share() -> None:
    """One of four dies at once: within 1.5 of three workers' time."""
    four = Scenario((FakeWorker(dead=((3.0, 1e9),)), *(FakeWorker(),) * 3), even_works(120), seed=1)
    three = Scenario((FakeWorker(),) * 3, even_works(120), seed=1)
    assert finish_s(four) < 1.5 * finish_s(three)


def test_a_frozen_worker_does_not_hold_the_run() -> None:
    """One of four freezes for good in the tail."""
    frozen = Scenario(
        (FakeWorker(frozen=((9.5, 1e9),)), *(FakeWorker(),) * 3), even_works(40), seed=1
    )
    assert finish_s(frozen) < finish_s(replace(frozen, fakes=(FakeWorker(),) * 4)) + 5.0


def test_a_healthy_fleet_is_hardly_hedged() -> None:
    """Even where durations vary by a half."""
    scenario = Scenario((FakeWorker(spread=0.5),) * 20, even_works(2000), seed=1)
    simulation = Simulation(scenario)
    assert simulation.run().done
    assert simulation.checked.hedges < 0.01 * len(scenario.works)


def test_the_whole_fleet_may_restart() -> None:
    """After ten seconds without any worker, every tile is still done."""
    restarting = FakeWorker(dead=((5.2, 15.0),))
    scenario = Scenario((restarting,) * 12, even_works(240), seed=1)
    simulation = Simulation(scenario)
    assert simulation.run().done
    assert simulation.checked.retries <= 24


def test_retries_are_bounded_where_everything_fails() -> None:
    """The retries are counted; the run ends with the first tile's name."""
    scenario = Scenario((FakeWorker(tile_s=0.01, broken=1.0),) * 50, even_works(5000), seed=1)
    simulation = Simulation(scenario)
    outcome = simulation.run()
    assert outcome.exit_code == ExitCode.FAILED
    assert "tile " in outcome.message


def test_always_busy_workers_do_not_hang_the_run() -> None:
    """That a worker is busy is no failure, but not for ever."""
    scenario = Scenario((FakeWorker(busy=1.0),) * 2, even_works(3), seed=1)
    simulation = Simulation(scenario)
    assert simulation.run().exit_code == ExitCode.FAILED
    assert simulation.now > scenario.limits.busy_timeout_s


def test_a_worker_that_refuses_every_connection_does_not_hang_the_run() -> None:
    """A worker that greets and then refuses every connection ends the run in time."""
    simulation = Simulation(Scenario((FakeWorker(refuses_tiles=True),), even_works(3), seed=1))
    assert simulation.run().exit_code == ExitCode.FAILED
