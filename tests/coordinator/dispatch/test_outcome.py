"""The outcomes of a run: exit codes, and messages that name tiles and workers."""

from __future__ import annotations

import doctest

import pytest

from coordinator.dispatch import outcome
from coordinator.dispatch.outcome import FailedAttempt, FailedTile, Outcome
from coordinator.errors import ExitCode
from coordinator.events import FailureKind

HOSTS = (("a", "silent"), ("b", "refused"))
FAILED = FailedTile(7, (FailedAttempt("a", FailureKind.BROKEN, "died"),) * 2)


def test_the_examples_run() -> None:
    """The docstrings say what the functions return."""
    results = doctest.testmod(outcome)
    assert results.attempted > 0
    assert results.failed == 0


@pytest.mark.parametrize(
    ("end", "code"),
    [
        pytest.param(outcome.complete([]), ExitCode.DONE, id="done"),
        pytest.param(outcome.complete([FAILED]), ExitCode.FAILED, id="some-failed"),
        pytest.param(outcome.tile_failed([FAILED]), ExitCode.FAILED, id="tile-failed"),
        pytest.param(
            outcome.fleet_lost(HOSTS, [], ever_ready=True), ExitCode.FAILED, id="fleet-lost"
        ),
        pytest.param(
            outcome.fleet_lost(HOSTS, [], ever_ready=False), ExitCode.NO_WORKER, id="no-worker"
        ),
        pytest.param(
            outcome.different_bits(7, HOSTS, []), ExitCode.DIFFERENT_BITS, id="different-bits"
        ),
        pytest.param(outcome.interrupted(143, []), ExitCode.TERMINATED, id="interrupted"),
    ],
)
def test_each_end_has_its_exit_code(end: Outcome, code: ExitCode) -> None:
    """Only a run that is done has a whole output; each has a message."""
    assert end.exit_code == code
    assert end.done == (code is ExitCode.DONE)
    assert end.message


def test_a_failed_tile_names_each_reason_once() -> None:
    """Two attempts that failed alike are one reason."""
    assert str(FAILED) == "tile 7: a: died"


def test_a_message_names_ten_and_the_tuples_all() -> None:
    """A long list of hosts does not fill the screen."""
    hosts = tuple((f"w{number}", "silent") for number in range(12))
    end = outcome.fleet_lost(hosts, [], ever_ready=True)
    assert end.hosts == hosts
    assert end.message.endswith("w9: silent; and 2 more")
    assert outcome.block(end).splitlines()[-2] == "  and 2 more"
