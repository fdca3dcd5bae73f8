"""Workers whose time ends: what they still get, and what becomes of the run."""

from __future__ import annotations

import pytest

from coordinator.dispatch.instructions import Send, Tell
from coordinator.dispatch.limits import Limits
from coordinator.errors import ExitCode
from coordinator.events import WorkerBack, WorkerLost, WorkerReady
from tests.coordinator.dispatch.simulation import (
    FakeWorker,
    Scenario,
    Simulation,
    even_works,
    random_scenario,
)
from tests.coordinator.dispatch.test_dispatcher import Harness


def run(*fakes: FakeWorker, tiles: int = 40) -> tuple[Simulation, int]:
    """Run to the end; return the simulation, and how many attempts were sent to the first."""
    simulation = Simulation(Scenario(fakes, even_works(tiles), seed=5), record=True)
    simulation.run()
    history = simulation.checked.history
    assert history is not None
    sent = [each for entry in history for each in entry[-1] if isinstance(each, Send)]
    return simulation, sum(send.worker == "w0" for send in sent)


@pytest.mark.parametrize("claimed", [None, 4.0])
def test_no_tile_is_cut_off(claimed: float | None) -> None:
    """A worker gets tiles of 4 s for as long as it can finish them, and the run goes on."""
    ending = FakeWorker(tile_s=4.0, slots=2, ends_at=60.0, claimed_work_s=claimed)
    lasting = FakeWorker(tile_s=4.0, slots=2)
    simulation, sent = run(ending, lasting)
    assert simulation.checked.outcome is not None
    assert simulation.checked.outcome.exit_code == ExitCode.DONE
    tiles = [simulation.checked.dispatcher.story(number) for number in range(40)]
    failed = [event for story in tiles for event in story if "died" in str(event)]
    assert failed == []
    assert 16 <= sent <= 26  # of 30 that it could begin


def test_a_job_too_short_for_a_tile() -> None:
    """It is left out with a sentence, by its own word for how long a tile takes."""
    harness = Harness(3, "short", "long")
    told = harness.tell(
        WorkerReady("short", 1, work_s=60.0 / even_works(1)[0].work, ends_in_s=50.0)
    )
    assert told[0] == Tell(WorkerLost("short", "its time ends in 50 s, and a tile takes 60 s"))
    assert [each.worker for each in harness.ready("long") if isinstance(each, Send)] == ["long"]


def test_all_of_them_leave() -> None:
    """The run ends with what it lacks, exit code 4, to be resumed."""
    simulation, _ = run(FakeWorker(tile_s=4.0, ends_at=30.0), tiles=40)
    outcome = simulation.checked.outcome
    assert outcome is not None
    assert outcome.exit_code == ExitCode.FAILED
    assert simulation.now < 30.0 + 2 * Limits().fleet_timeout_s


def test_one_that_leaves_is_not_asked_back() -> None:
    """It answers probes, and is no worker that is back."""
    harness = Harness(3, "ending")
    harness.tell(WorkerReady("ending", 1, ends_in_s=10.0))
    told = harness.sleep(5.5)
    assert not [each for each in told if each == Tell(WorkerBack("ending"))]
    again = harness.tell(WorkerReady("ending", 1, ends_in_s=4.0))
    assert Tell(WorkerBack("ending")) not in again
    assert not [each for each in again if isinstance(each, Send)]


@pytest.mark.parametrize("seed", [5149, 7387])
def test_one_that_leaves_last_has_an_ejected_one_probed(seed: int) -> None:
    """At once, in the same step."""
    Simulation(random_scenario(seed)).run()
