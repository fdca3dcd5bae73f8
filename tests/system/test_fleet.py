"""The fleet's bits are SciPy's: the http engine over two real worker processes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from scipy import ndimage

from coordinator import Fleet
from coordinator.engines import Engine
from coordinator.engines.http.engine import HttpEngine
from coordinator.errors import ConfigError, NoWorkerError
from coordinator.events import Event, RunStarted, StageStarted
from coordinator.hosts.hosts_file import parse_hosts
from tests.contracts.engine import EngineContract
from tests.support.equality import assert_same_bits
from tests.support.processes import WorkerProcess
from tests.support.strategies import Problem, problems, samples

pytestmark = pytest.mark.filterwarnings(
    "ignore:invalid value encountered in cast:RuntimeWarning",
    "ignore:overflow encountered in cast:RuntimeWarning",
)


class TestHttpEngine(EngineContract):
    """Two worker processes, shared by all tests of the session."""

    @pytest.fixture(autouse=True)
    def _workers(self, two_workers: list[WorkerProcess]) -> None:
        self.addresses = [worker.address for worker in two_workers]

    def making(self) -> AbstractContextManager[Engine]:
        return closing(HttpEngine(parse_hosts(self.addresses)))


@pytest.fixture(scope="module")
def fleet(two_workers: list[WorkerProcess]) -> Iterator[Fleet]:
    with Fleet([worker.address for worker in two_workers]) as fleet:
        yield fleet


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(problems())
def test_any_problem(fleet: Fleet, problem: Problem) -> None:
    """Whatever SciPy accepts, cut in any way and sent to processes, gives SciPy's bits."""
    problem.check(fleet.gaussian_filter)


@pytest.mark.parametrize("tile", [None, 16])
def test_a_plan_is_what_a_run_follows(two_workers: list[WorkerProcess], tile: int | None) -> None:
    """Also of filters in stages, where it is the last one's; it shows itself in a notebook."""
    heard: list[Event] = []
    addresses = [worker.address for worker in two_workers]
    x = samples((60, 50), "f4", 1, special=False)
    with Fleet(addresses, listen=lambda _, event: heard.append(event)) as fleet:
        for links in ([("gaussian_filter", {"sigma": 2})], [("uniform_filter", {"size": 3})]):
            plan = fleet.plan(links, x, tile=tile)
            fleet.run(links, x, tile=tile)
            *_, started = [event for event in heard if isinstance(event, RunStarted | StageStarted)]
            assert (len(plan), plan.bytes_in, plan.grid.counts) == (
                started.tiles,
                started.bytes_in,
                started.grid,
            )
            assert f"<td>{len(plan)}</td>" in plan._repr_html_()


def test_inside_a_running_loop(fleet: Fleet) -> None:
    """Jupyter runs a loop of its own; the fleet does not mind."""
    x = samples((60, 50), "f4", 1, special=False)

    async def cell() -> np.ndarray:
        return fleet.gaussian_filter(x, 2.0, tile=16)

    assert_same_bits(asyncio.run(cell()), ndimage.gaussian_filter(x, 2.0))


def test_from_toml(two_workers: list[WorkerProcess], tmp_path: Path) -> None:
    """The file that `worker` prints the line of is enough, and the fleet says who is in it."""
    addresses = [worker.address for worker in two_workers]
    hosts = tmp_path / "hosts.toml"
    hosts.write_text(f"hosts = {addresses}\n".replace("'", '"'))
    x = samples((30, 40), "i4", 2, special=False)
    with Fleet.from_toml(hosts) as fleet:
        assert_same_bits(fleet.gaussian_filter(x, 1), ndimage.gaussian_filter(x, 1))
        assert repr(fleet) == f"<Fleet of 2 workers ({', '.join(addresses)}), open>"


def test_a_dead_host_is_left_out(two_workers: list[WorkerProcess]) -> None:
    """One address that nobody listens on costs nothing but its share."""
    x = samples((30, 40), "f8", 3, special=False)
    with Fleet([two_workers[0].address, "127.0.0.1:9"]) as fleet:
        assert_same_bits(fleet.gaussian_filter(x, 1), ndimage.gaussian_filter(x, 1))


def test_nobody_answers() -> None:
    """Each host is named with its reason; the error is ours, not aiohttp's."""
    with (
        Fleet(["127.0.0.1:9", "127.0.0.2:9"]) as fleet,
        pytest.raises(NoWorkerError) as caught,
    ):
        fleet.gaussian_filter(np.zeros(9), 1)
    assert "127.0.0.1:9: connection refused" in str(caught.value)
    assert "127.0.0.2:9: " in str(caught.value)


def test_mistaken_addresses() -> None:
    """All mistakes at once, before anything is connected to."""
    with pytest.raises(ConfigError, match="2 mistakes"):
        Fleet(["node1:99999", "a b"])


def test_close_twice(two_workers: list[WorkerProcess]) -> None:
    """Closing is harmless, before a run and after it."""
    fleet = Fleet([two_workers[0].address])
    fleet.gaussian_filter(np.zeros(4), 1)
    fleet.close()
    fleet.close()
