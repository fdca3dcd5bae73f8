"""The workers of a run: their states, and the queues of those that are free or ejected.

::

    UNKNOWN --ready--> READY --ejected--> EJECTED --probed--> PROBED --ready--> READY
       |                 |                   |                  |
       +----- lost ------+------- lost ------+------- lost -----+--> LOST --ready--> READY

    any state --rejected--> UNFIT, for good

That an ejected worker is ready changes nothing unless it was probed: such a worker answers
greetings, and fails tiles. It has to wait for its pause to end.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from enum import Enum, auto
from itertools import islice
from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

_LOOK_AHEAD = 16
"""Workers that are looked at to find one that is not slow."""


class WorkerState(Enum):
    """The state of a worker."""

    UNKNOWN = auto()
    READY = auto()
    EJECTED = auto()
    PROBED = auto()
    LOST = auto()
    UNFIT = auto()


class WorkerSignal(Enum):
    """An event that may change the state of a worker."""

    READY = auto()
    LOST = auto()
    REJECTED = auto()
    EJECTED = auto()
    PROBED = auto()


_S, _G = WorkerState, WorkerSignal
WORKER_TRANSITIONS: dict[tuple[WorkerState, WorkerSignal], WorkerState] = {
    (_S.UNKNOWN, _G.READY): _S.READY,
    (_S.LOST, _G.READY): _S.READY,
    (_S.PROBED, _G.READY): _S.READY,
    (_S.READY, _G.EJECTED): _S.EJECTED,
    (_S.EJECTED, _G.PROBED): _S.PROBED,
    (_S.UNKNOWN, _G.LOST): _S.LOST,
    (_S.READY, _G.LOST): _S.LOST,
    (_S.EJECTED, _G.LOST): _S.LOST,
    (_S.PROBED, _G.LOST): _S.LOST,
} | {(state, _G.REJECTED): _S.UNFIT for state in _S}
"""Next state; a pair that is not here changes nothing."""


@dataclass(slots=True)
class Worker:
    """The record of a worker.

    Parameters
    ----------
    name : str
    state : WorkerState
    slots : int
        Tiles that it takes at a time.
    held : dict of (int, int) to None
        Its live attempts, as (tile, attempt), oldest first.
    failures_in_row : int
        Failures since its last accepted answer.
    absences : int
        Times that it was lost, ejected or silent since then.
    paused : bool
        Whether it is busy, until `paused_until` in monotonic seconds.
    probe_sent : bool
        Whether a probe is not answered yet.
    was_ready : bool
        Whether it has been ready in this run.
    window : int
        Slots that it is given tiles for: as many as it had when it last said that it was busy, and
        one more for each answer since.
    claimed_work_s : float
        Its word for the seconds that a unit of work takes it; 0 if it has none.
    tile_s : float
        Seconds that its tiles took lately; 0 before the first.
    slow : bool
        Whether its last tile was late.
    ends_at : float
        When its machine's time is over, in monotonic seconds.
    leaving : bool
        Whether it gets no more tiles because of that.
    reason : str
        Why it is not ready.
    """

    name: str
    state: WorkerState = WorkerState.UNKNOWN
    slots: int = 0
    held: dict[tuple[int, int], None] = field(default_factory=dict)
    failures_in_row: int = 0
    absences: int = 0
    paused: bool = False
    paused_until: float = 0.0
    probe_sent: bool = False
    was_ready: bool = False
    window: int = 0
    claimed_work_s: float = 0.0
    tile_s: float = 0.0
    slow: bool = False
    ends_at: float = inf
    leaving: bool = False
    reason: str = "never answered"

    @property
    def free(self) -> bool:
        """Whether it may get a tile now."""
        most = min(self.slots, self.window)
        open_to_all = self.state is WorkerState.READY and not (self.paused or self.leaving)
        return open_to_all and len(self.held) < most

    @property
    def tiles_per_s(self) -> float:
        """Tiles that it does in a second; 0 while it gets none, or has done none."""
        works = self.state is WorkerState.READY and not self.leaving
        return self.slots / self.tile_s if works and self.tile_s > 0.0 else 0.0


class WorkerTable:
    """All workers, those with a free slot in turn, and their counts, each in O(1).

    Parameters
    ----------
    names : iterable of str
        The workers that are known from the start.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self.workers = {name: Worker(name) for name in names}
        self.free: OrderedDict[str, None] = OrderedDict()
        self.ejected: OrderedDict[str, None] = OrderedDict()
        self.leaving: dict[str, None] = {}  # and ready
        self.ready = 0
        self.unfit = 0
        self.slots = 0
        self.tiles_per_s = 0.0  # of all
        self.ever_ready = False

    @property
    def absent(self) -> int:
        """The number of workers that are not ready now and may be later."""
        return len(self.workers) - self.unfit - self.ready

    def add(self, name: str) -> Worker:
        """Return the worker of that name, which is added if it is not known."""
        return self.workers.setdefault(name, Worker(name))

    def signal(self, worker: Worker, signal: WorkerSignal) -> bool:
        """Change the state of a worker by the table; return whether it changed."""
        before = worker.state
        after = WORKER_TRANSITIONS.get((before, signal), before)
        if after is before:
            return False
        self.tiles_per_s -= worker.tiles_per_s
        worker.state = after
        self.tiles_per_s += worker.tiles_per_s
        self._count(worker, before, -1)
        self._count(worker, after, +1)
        self.refresh(worker)
        return True

    def resize(self, worker: Worker, slots: int) -> None:
        """Set the number of slots that a worker offers."""
        if worker.state is WorkerState.READY:
            self.slots += slots - worker.slots
        self.tiles_per_s -= worker.tiles_per_s
        worker.slots = worker.window = slots
        self.tiles_per_s += worker.tiles_per_s
        self.refresh(worker)

    def took(self, worker: Worker, tile_s: float) -> None:
        """Record what a tile took a worker, in seconds; its latest ones weigh most."""
        self._set_tile_s(worker, (worker.tile_s + tile_s) / 2 if worker.tile_s else tile_s)
        worker.window += 1

    def outrun(self, worker: Worker, age_s: float, *, slow: bool) -> None:
        """Record that another worker answered a tile that this one had for so many seconds."""
        worker.slow = slow
        self._set_tile_s(worker, max(worker.tile_s, age_s))

    def set_leaving(self, worker: Worker, leaving: bool) -> None:
        """Give a ready worker no more tiles, or tiles again."""
        self.tiles_per_s -= worker.tiles_per_s
        worker.leaving = leaving
        self.tiles_per_s += worker.tiles_per_s
        if leaving:
            self.leaving[worker.name] = None
        else:
            self.leaving.pop(worker.name, None)
        self.refresh(worker)

    def put_last(self, worker: Worker) -> None:
        """Let a free worker wait until all others have had their turn."""
        self.free.move_to_end(worker.name)

    def turned_away(self, worker: Worker) -> None:
        """Record that a worker has no slot beyond those that it holds attempts in."""
        worker.window = max(1, len(worker.held))
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
        """Queue a worker that may get a tile; remove one that may not."""
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

    def pick_fast(self, avoid: Container[str]) -> Worker | None:
        """Return such a worker, one that is not slow if the first few have one."""
        for name in islice(self.free, _LOOK_AHEAD):
            if name not in avoid and not self.workers[name].slow:
                return self.workers[name]
        return self.pick(avoid)

    def all_ready_in(self, names: Iterable[str]) -> bool:
        """Whether every ready worker is one of `names`."""
        states = (self.workers[name].state for name in names if name in self.workers)
        return sum(state is WorkerState.READY for state in states) >= self.ready

    def reasons(self) -> tuple[tuple[str, str], ...]:
        """Return each worker that is not ready, with the reason."""
        return tuple(
            (worker.name, worker.reason)
            for worker in self.workers.values()
            if worker.state is not WorkerState.READY
        )

    def _set_tile_s(self, worker: Worker, tile_s: float) -> None:
        self.tiles_per_s -= worker.tiles_per_s
        worker.tile_s = tile_s
        self.tiles_per_s += worker.tiles_per_s

    def _count(self, worker: Worker, state: WorkerState, step: int) -> None:
        if state is WorkerState.READY:
            self.leaving.pop(worker.name, None)
            worker.leaving = False
            self.ready += step
            self.slots += step * worker.slots
            self.ever_ready = worker.was_ready = True
        elif state is WorkerState.UNFIT:
            self.unfit += step
        elif state is WorkerState.EJECTED and step > 0:
            self.ejected[worker.name] = None
        elif state is WorkerState.EJECTED:
            self.ejected.pop(worker.name, None)
