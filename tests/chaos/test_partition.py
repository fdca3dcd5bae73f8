"""A silent partition by the kernel: a worker in a network of its own, whose cable is pulled.

Where the rights for that are missing, the proxy's partitions (test_processes.py) have to do.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.chaos.runs import Leaks, Task, finish
from tests.support.cabled_network import THERE, NoNetworkError, cabled_network, ip
from tests.support.coordinators import wait_until
from tests.support.processes import running_workers


@pytest.fixture
def network() -> Iterator[tuple[str, str]]:
    try:
        with cabled_network() as made:
            yield made
    except NoNetworkError:
        pytest.skip("no network can be made here")


@pytest.mark.filterwarnings("ignore:the token goes to")
def test_a_pulled_cable(tmp_path: Path, network: tuple[str, str]) -> None:
    """The far worker answers no more while it has a tile; the near one does the rest."""
    array = np.random.default_rng(5).random((200, 240))
    work = Task.make(tmp_path, array, 60.0, (25, 48))
    arguments = ("--threads", "1", "--kernel", "reference")
    far_away = (*arguments, "--host", THERE, "--insecure-network")
    leaks = Leaks()
    name, plug = network
    with (
        running_workers(1, *arguments) as (near,),
        running_workers(1, *far_away, within=("ip", "netns", "exec", name)) as (far,),
    ):
        run, thread = work.start([near.address, far.address])
        wait_until(lambda: run.stored >= 2 and run.waits_for(far.address), "it has a tile")
        assert ip("-n", name, "link", "set", plug, "down")
        finish(run, thread)
        assert work.check(run, [near.address])
    leaks.check()
