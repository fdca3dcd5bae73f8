"""A run's history as a report needs it: each attempt with its times, each tile's worker, remarks.

Past `MAX_ATTEMPTS` attempts are counted and not kept, so memory has a bound::

    sent --------------------------------------------> answered ----> stored
         transfer | waiting for a thread | computing | transfer   writing

Of the time up to `answered` a worker reports how long it waited and computed, and the rest is
transfer; when each began is unknown. See `coordinator.report.timeline`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from heapq import merge
from typing import Final

from coordinator.events import (
    Event,
    OutputWritten,
    RunFinished,
    RunStarted,
    StageStarted,
    TileKept,
    TileRetried,
    TileSent,
    TileStored,
    TilesVerified,
)
from coordinator.history.history import AttemptRecord, End, History, Remark, State
from coordinator.text import brief_time, count, extent

MAX_ATTEMPTS: Final = 200_000  # some 100 MB of memory, and more than a browser wants to draw
MAX_REMARKS: Final = 1_000


class Recorder(History):
    """The history of a run with all that report, trace and provenance quote.

    Parameters
    ----------
    timed : bool
        Whether to keep attempts and the times of tiles; what is left is all that provenance needs.

    Attributes
    ----------
    losses : dict of str to float
        When a worker could not be used for the first time.
    moved : Counter
        Tiles that failed at each worker, or were in its hands as it was lost, and that others made.
    """

    def __init__(self, *, timed: bool = True) -> None:
        super().__init__(times=None if timed else 0)
        self._timed = timed
        self.attempts: list[AttemptRecord] = []
        self.unkept_attempts = 0
        self.makers: dict[int, str] = {}
        self.computed: list[Counter[str]] = [Counter()]
        self.stored_s: dict[int, float] = {}
        self.writes: list[tuple[float, int]] = []
        self.remarks: list[Remark] = []
        self.unkept_remarks = 0
        self.losses: dict[str, float] = {}
        self.moved: Counter[str] = Counter()
        self._milestones: list[Remark] = []
        self._astray: dict[int, str] = {}

    def log(self) -> Iterable[Remark]:
        """Return the remarks, and what else a user cares about, in the order of time."""
        return merge(self._milestones, self.remarks, key=lambda remark: remark.at_s)

    def note(self, text: str) -> None:
        """Keep a remark that is no event, such as a warning."""
        self._remark(self.last_s, text)

    def handle(self, now: float, event: Event) -> None:
        """Add an event, at a time of the run's monotonic clock, in seconds."""
        super().handle(now, event)
        if isinstance(event, TileRetried):
            self.note(f"tile {event.tile} waits {brief_time(event.after_s)}: {event.reason}")
        elif words := _milestone(event):
            self._milestones.append(Remark(self.last_s, words))

    def _absent(self, at_s: float, name: str, standing: State, reason: str) -> None:
        self.losses.setdefault(name, at_s)
        in_hand = len(self._worker(at_s, name).flying)
        super()._absent(at_s, name, standing, reason)
        if in_hand:
            words = f"{count(in_hand, 'tile')} in flight at {name} to be sent elsewhere"
            self._milestones.append(Remark(at_s, words))

    def _end(self, at_s: float, attempt: AttemptRecord, end: End, reason: str) -> None:
        super()._end(at_s, attempt, end, reason)
        if end is not End.BUSY:
            self._astray[attempt.tile] = attempt.worker

    def _next_stage(self, event: StageStarted) -> None:
        super()._next_stage(event)
        if event.stage > len(self.computed):  # else another pass of the same
            self.computed.append(Counter())
        self._astray.clear()
        self.makers.clear()
        self.stored_s.clear()

    def _sent(self, at_s: float, event: TileSent) -> AttemptRecord:
        attempt = super()._sent(at_s, event)
        if self._timed and len(self.attempts) < MAX_ATTEMPTS:
            self.attempts.append(attempt)
        else:
            self.unkept_attempts += 1
        return attempt

    def _stored(self, at_s: float, event: TileStored) -> None:
        super()._stored(at_s, event)
        self.makers[event.tile] = event.worker
        self.computed[-1][event.worker] += 1
        if (before := self._astray.pop(event.tile, event.worker)) != event.worker:
            self.moved[before] += 1
        if self._timed:
            self.stored_s[event.tile] = at_s
            self.writes.append((at_s, event.bytes_out))

    def _kept(self, at_s: float, event: TileKept) -> None:
        super()._kept(at_s, event)
        self.stored_s[event.tile] = at_s

    def _remark(self, at_s: float, text: str) -> None:
        if len(self.remarks) < MAX_REMARKS:
            self.remarks.append(Remark(at_s, text))
        else:
            self.unkept_remarks += 1


def _milestone(event: Event) -> str:
    """Return what is worth a line of the log although it is no trouble; or nothing."""
    match event:
        case RunStarted(filter=name, tiles=tiles, tile_shape=shape):
            return f"began: {name}, {count(tiles, 'tile')} of {extent(shape)}"
        case StageStarted(stage=stage, tiles=tiles):
            return f"stage {stage} began: {count(tiles, 'tile')}"
        case TilesVerified(tiles, of):
            return f"{tiles:,} of {count(of, 'tile')} computed once more by SciPy: equal"
        case RunFinished(error):
            return f"failed: {error}" if error else "done: the output is whole"
        case OutputWritten(path):
            return f"wrote {path}"
    return ""
