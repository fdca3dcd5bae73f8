"""The fleet as the dispatcher knows it: who may get a tile, and who is asked again.

::

    UNKNOWN --greeted--> READY --struck out--> EJECTED --probe--> PROBED --greeted--> READY
       |                   |                      |                  |
       +------ missed -----+-------- missed ------+------ missed ----+--> LOST --greeted--> READY

    barred, from anywhere --> UNFIT, for good

A greeting that nobody asked for does not bring back an ejected worker: it answers greetings well
enough, it is the tiles that it fails. Only the answer to a probe, after its pause, does.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from enum import Enum, auto
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

_LOOK_AHEAD = 16  # how many workers are looked at to find a brisk one


class Standing(Enum):
    """What the dispatcher thinks of a worker."""

    UNKNOWN = auto()
    READY = auto()
    EJECTED = auto()
    PROBED = auto()
    LOST = auto()
    UNFIT = auto()


class Signal(Enum):
    """What may change a worker's standing."""

    GREETED = auto()
    MISSED = auto()
    BARRED = auto()
    STRUCK_OUT = auto()
    PROBE_SENT = auto()


_S, _G = Standing, Signal
WORKER_TRANSITIONS: dict[tuple[Standing, Signal], Standing] = {
    (_S.UNKNOWN, _G.GREETED): _S.READY,
    (_S.LOST, _G.GREETED): _S.READY,
    (_S.PROBED, _G.GREETED): _S.READY,
    (_S.READY, _G.STRUCK_OUT): _S.EJECTED,
    (_S.EJECTED, _G.PROBE_SENT): _S.PROBED,
    (_S.UNKNOWN, _G.MISSED): _S.LOST,
    (_S.READY, _G.MISSED): _S.LOST,
    (_S.EJECTED, _G.MISSED): _S.LOST,
    (_S.PROBED, _G.MISSED): _S.LOST,
} | {(standing, _G.BARRED): _S.UNFIT for standing in _S}
"""Next standing; a pair that is not here changes nothing."""


@dataclass(slots=True)
class Worker:
    """A worker's record; `held` are its attempts in flight as (tile, attempt)."""

    name: str
    standing: Standing = Standing.UNKNOWN
    slots: int = 0
    held: dict[tuple[int, int], None] = field(default_factory=dict)
    strikes: int = 0
    misses: int = 0
    paused: bool = False
    paused_until: float = 0.0
    asked: bool = False  # a probe is on its way
    was_ready: bool = False
    slow: bool = False  # its last tile was late
    reason: str = "never answered"

    @property
    def free(self) -> bool:
        """Whether it may get a tile now."""
        return self.standing is Standing.READY and not self.paused and len(self.held) < self.slots


class WorkerTable:
    """All workers; those with a free slot in turn, each question answered in O(1)."""

    def __init__(self, names: Iterable[str]) -> None:
        self.workers = {name: Worker(name) for name in names}
        self.free: OrderedDict[str, None] = OrderedDict()
        self.ejected: OrderedDict[str, None] = OrderedDict()
        self.ready = 0
        self.unfit = 0
        self.slots = 0
        self.ever_ready = False

    @property
    def absent(self) -> int:
        """Workers that are not usable now and may be later."""
        return len(self.workers) - self.unfit - self.ready

    def add(self, name: str) -> Worker:
        """Return the worker of that name, known from now on."""
        return self.workers.setdefault(name, Worker(name))

    def signal(self, worker: Worker, signal: Signal) -> bool:
        """Move a worker by the table; say whether it stands differently now."""
        before = worker.standing
        after = WORKER_TRANSITIONS.get((before, signal), before)
        if after is before:
            return False
        worker.standing = after
        self._count(worker, before, -1)
        self._count(worker, after, +1)
        self.refresh(worker)
        return True

    def resize(self, worker: Worker, slots: int) -> None:
        """Set the number of slots that a worker offers."""
        if worker.standing is Standing.READY:
            self.slots += slots - worker.slots
        worker.slots = slots
        self.refresh(worker)

    def hold(self, worker: Worker, key: tuple[int, int]) -> None:
        """Take a slot for an attempt; the worker goes to the end of the queue."""
        worker.held[key] = None
        self.free.pop(worker.name, None)
        self.refresh(worker)

    def release(self, worker: Worker, key: tuple[int, int]) -> None:
        """Give an attempt's slot back."""
        worker.held.pop(key, None)
        self.refresh(worker)

    def refresh(self, worker: Worker) -> None:
        """Queue a worker that has a free slot, take out one that has none."""
        if not worker.free:
            self.free.pop(worker.name, None)
        elif worker.name not in self.free:
            self.free[worker.name] = None

    def pick(self, avoid: Container[str] = ()) -> Worker | None:
        """Return the worker that has waited longest and is not to be avoided."""
        for name in self.free:
            if name not in avoid:
                return self.workers[name]
        return None

    def pick_brisk(self, avoid: Container[str]) -> Worker | None:
        """Pick one that is not known to be slow, if there is one among the first few."""
        for name in islice(self.free, _LOOK_AHEAD):
            if name not in avoid and not self.workers[name].slow:
                return self.workers[name]
        return self.pick(avoid)

    def all_ready_in(self, names: Iterable[str]) -> bool:
        """Whether no usable worker is left outside `names`."""
        standing = (self.workers[name].standing for name in names if name in self.workers)
        return sum(each is Standing.READY for each in standing) >= self.ready

    def reasons(self) -> tuple[tuple[str, str], ...]:
        """Each worker that is not usable, with the reason."""
        return tuple(
            (worker.name, worker.reason)
            for worker in self.workers.values()
            if worker.standing is not Standing.READY
        )

    def _count(self, worker: Worker, standing: Standing, step: int) -> None:
        if standing is Standing.READY:
            self.ready += step
            self.slots += step * worker.slots
            self.ever_ready = worker.was_ready = True
        elif standing is Standing.UNFIT:
            self.unfit += step
        elif standing is Standing.EJECTED and step > 0:
            self.ejected[worker.name] = None
        elif standing is Standing.EJECTED:
            self.ejected.pop(worker.name, None)
