"""Cost of the dispatcher, and gain of hedging: `python -m benchmarks.dispatch`.

Both tables come from the simulation that the tests use. The first times `Dispatcher.handle` alone,
on a real clock; its peer is the smallest fleet of the same run. The second reads the simulated
clock: efficiency is the ideal time (all work over the speed of all workers) over the time that was
achieved, with 1 % of the workers, and at least one, ten times slower. Its peer is the same run
without hedges.
"""

from __future__ import annotations

from dataclasses import replace
from time import process_time
from typing import TYPE_CHECKING

from coordinator.dispatch.limits import Limits
from tests.coordinator.dispatch.simulation import FakeWorker, Scenario, Simulation, even_works

if TYPE_CHECKING:
    from coordinator.dispatch.dispatcher import Dispatcher
    from coordinator.dispatch.instructions import Instruction
    from coordinator.events import Event

FLEETS = (10, 100, 1_000, 10_000)
TILES_PER_WORKER = 20
NO_HEDGES = Limits(hedge_copies=1, bytes_in_flight=1 << 60)
HEDGES = Limits(bytes_in_flight=1 << 60)


class Timed:
    """A dispatcher whose `handle` is timed."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._handle = dispatcher.handle
        self._dispatcher = dispatcher
        self.spent_s = 0.0

    def handle(self, event: Event, now: float) -> list[Instruction]:
        """Pass on, and add up the time."""
        start = process_time()
        got = self._handle(event, now)
        self.spent_s += process_time() - start
        return got

    def __getattr__(self, name: str) -> object:
        return getattr(self._dispatcher, name)


def straggling(workers: int, tiles: int, limits: Limits) -> Scenario:
    """A fleet in which one worker of a hundred is ten times slower."""
    slow = max(1, workers // 100)
    fakes = (FakeWorker(tile_s=10.0),) * slow + (FakeWorker(tile_s=1.0),) * (workers - slow)
    return Scenario(fakes, even_works(tiles), seed=1, limits=limits)


def ideal_s(scenario: Scenario) -> float:
    """All the work over the speed of all workers."""
    return len(scenario.works) / sum(1.0 / fake.tile_s for fake in scenario.fakes)


def cpu_us_per_tile(workers: int) -> float:
    """Microseconds of dispatcher per tile, greetings included."""
    tiles = max(TILES_PER_WORKER * workers, 20_000)
    simulation = Simulation(straggling(workers, tiles, HEDGES))
    timed = Timed(simulation.checked.dispatcher)
    simulation.checked.dispatcher = timed  # type: ignore[assignment]
    assert simulation.run().done
    return 1e6 * timed.spent_s / tiles


def efficiency(scenario: Scenario) -> tuple[float, int]:
    """Ideal over achieved, and the number of hedges."""
    simulation = Simulation(scenario)
    assert simulation.run().done
    return ideal_s(scenario) / simulation.now, simulation.checked.hedges


def main() -> None:
    """Print both tables."""
    print(f"{'workers':>8} {'us/tile':>8} {'ratio':>6}")
    costs = [(workers, cpu_us_per_tile(workers)) for workers in FLEETS]
    for workers, cost in costs:
        print(f"{workers:>8,} {cost:>8.1f} {cost / costs[0][1]:>6.2f}")
    print(f"\n{'workers':>8} {'tiles':>8} {'hedged':>7} {'with':>6} {'without':>8} {'ratio':>6}")
    for workers in FLEETS:
        scenario = straggling(workers, TILES_PER_WORKER * workers, HEDGES)
        with_hedges, hedges = efficiency(scenario)
        without, _ = efficiency(replace(scenario, limits=NO_HEDGES))
        print(
            f"{workers:>8,} {len(scenario.works):>8,} {hedges / len(scenario.works):>7.2%}"
            f" {with_hedges:>6.3f} {without:>8.3f} {with_hedges / without:>6.2f}"
        )


if __name__ == "__main__":
    main()
