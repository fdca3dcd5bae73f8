"""Concurrency of a fleet: tiles computed at a time, where the cores of each machine count once.

A worker takes a tile more than it has threads, so that a transfer overlaps the computing, and
several workers may be on one machine. So slots say how many tiles are under way, and not how many
of them get on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Protocol


class OnMachine(Protocol):
    """A worker, and what it says of the machine that it is on."""

    @property
    def slots(self) -> int:
        """Tiles that it takes at a time."""

    @property
    def cores(self) -> int | None:
        """Of its machine that it may use; None if it does not say."""

    @property
    def boot(self) -> str:
        """Names the machine; empty if it does not say."""


def lanes(workers: Sequence[OnMachine]) -> list[float]:
    """Return, for each worker, how many tiles it computes at a time while all are busy.

    The cores of a machine are shared in proportion to the slots there. Of workers that say
    different numbers the largest is taken: who may use few of the cores says so too, and which ones
    nobody says.

    Parameters
    ----------
    workers : sequence of OnMachine
    """
    slots: defaultdict[str, int] = defaultdict(int)
    cores: defaultdict[str, int] = defaultdict(int)
    for worker in workers:
        slots[worker.boot] += worker.slots
        cores[worker.boot] = max(cores[worker.boot], worker.cores or 0)
    found = []
    for worker in workers:
        alone = min(worker.slots, worker.cores or worker.slots)
        share = worker.slots / max(1, slots[worker.boot])
        shared = cores[worker.boot] * share if worker.boot and worker.cores else alone
        found.append(float(min(alone, shared)))
    return found
