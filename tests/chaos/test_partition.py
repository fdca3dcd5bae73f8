"""A silent partition by the kernel: a worker in a network of its own, whose cable is pulled.

Where the rights for that are missing, the proxy's partitions (test_processes.py) have to do.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from tests.chaos.runs import Leaks, Task, finish
from tests.support.coordinators import wait_until
from tests.support.processes import running_workers

HERE, THERE = "10.213.77.1", "10.213.77.2"


def ip(*words: str) -> bool:
    done = subprocess.run(["ip", *words], capture_output=True, check=False)
    return done.returncode == 0


@contextmanager
def cabled_network() -> Iterator[tuple[str, str]]:
    """Make a network with one cable to this one; yield its name and the name of its plug."""
    name, plug = f"tilefan-{os.getpid()}", f"tf{os.getpid()}"
    try:
        if not ip("netns", "add", name):
            pytest.skip("no network can be made here")
        assert ip("link", "add", plug, "type", "veth", "peer", "name", "plug", "netns", name)
        assert ip("addr", "add", f"{HERE}/30", "dev", plug)
        assert ip("link", "set", plug, "up")
        assert ip("-n", name, "addr", "add", f"{THERE}/30", "dev", "plug")
        assert ip("-n", name, "link", "set", "plug", "up")
        assert ip("-n", name, "link", "set", "lo", "up")
        yield name, "plug"
    except FileNotFoundError:
        pytest.skip("there is no `ip` here")
    finally:
        if Path("/run/netns", name).exists():
            ip("link", "del", plug)
            ip("netns", "del", name)


@pytest.mark.filterwarnings("ignore:the token goes to")
def test_a_pulled_cable(tmp_path: Path) -> None:
    """The far worker answers no more while it has a tile; the near one does the rest."""
    array = np.random.default_rng(5).random((200, 240))
    work = Task.make(tmp_path, array, 60.0, (25, 48))
    arguments = ("--threads", "1", "--kernel", "reference")
    far_away = (*arguments, "--host", THERE, "--insecure-network")
    leaks = Leaks()
    with (
        cabled_network() as (name, plug),
        running_workers(1, *arguments) as (near,),
        running_workers(1, *far_away, within=("ip", "netns", "exec", name)) as (far,),
    ):
        run, thread = work.start([near.address, far.address])
        wait_until(lambda: run.stored >= 2 and run.waits_for(far.address), "it has a tile")
        assert ip("-n", name, "link", "set", plug, "down")
        finish(run, thread)
        assert work.check(run, [near.address])
    leaks.check()
