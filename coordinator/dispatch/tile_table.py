"""The tiles of a run: their states, and the records of those that are between sending and end.

::

    PLANNED --sent--> IN_FLIGHT --accepted--> ACCEPTED --stored--> STORED
                       |  ^  |
                       |  |  +--given up--> FAILED
                       |  |
                       |  +--sent-- DUE <--retry due-- BACKOFF
                       |             ^                   ^
                       +--requeued---+--retry scheduled--+

A tile is pulled from the plan when a slot is free, and is recorded here until it is accepted or
given up; where stores are awaited, until it is stored. A tile that was sent more than once is
remembered for longer by the digest of its accepted answer: a late answer must carry the same bits.
So the memory is O(in flight + retries + hedged), whatever the size of the plan.

An attempt is *live* from Send until it is answered, failed or cancelled. A cancelled one stays in
the tile's record: its answer may be on the way already, and is accepted if it comes first.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from enum import StrEnum, auto
from math import inf
from typing import TYPE_CHECKING

from coordinator.dispatch.errors import InvariantError
from coordinator.dispatch.outcome import FailedAttempt, FailedTile
from coordinator.dispatch.policy import CONSEQUENCES
from coordinator.dispatch.story import StoryEvent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coordinator.dispatch.instructions import Work

REMEMBERED = 10_000
"""Accepted tiles whose late answers are still compared."""

STORY_EVENTS = 100
"""Latest events of a tile that are kept: five attempts and their consequences take 20."""

CLOSED_STORIES = 1_000
"""Accepted tiles whose stories are kept; those of failed ones all are."""


class TileState(StrEnum):
    """The state of a tile; the values are words for a reader."""

    PLANNED = auto()
    IN_FLIGHT = auto()
    BACKOFF = auto()
    DUE = auto()
    ACCEPTED = auto()
    STORED = auto()
    FAILED = auto()


class TileSignal(StrEnum):
    """A change of a tile; the values are words for a reader."""

    SENT = "sent"
    HEDGED = "hedged"
    ATTEMPT_FAILED = "failed"
    CANCELLED = "cancelled"
    RETRY_SCHEDULED = "retry scheduled"
    RETRY_DUE = "retry due"
    REQUEUED = "requeued"
    ACCEPTED = "accepted"
    STORED = "stored"
    GIVEN_UP = "given up"


_S, _G = TileState, TileSignal
TILE_TRANSITIONS: dict[tuple[TileState, TileSignal], TileState] = {
    (_S.PLANNED, _G.SENT): _S.IN_FLIGHT,
    (_S.DUE, _G.SENT): _S.IN_FLIGHT,
    (_S.IN_FLIGHT, _G.HEDGED): _S.IN_FLIGHT,
    (_S.IN_FLIGHT, _G.ATTEMPT_FAILED): _S.IN_FLIGHT,  # the next signal says what follows
    (_S.IN_FLIGHT, _G.CANCELLED): _S.IN_FLIGHT,
    (_S.IN_FLIGHT, _G.RETRY_SCHEDULED): _S.BACKOFF,
    (_S.BACKOFF, _G.RETRY_DUE): _S.DUE,
    (_S.IN_FLIGHT, _G.REQUEUED): _S.DUE,
    (_S.IN_FLIGHT, _G.ACCEPTED): _S.ACCEPTED,
    (_S.BACKOFF, _G.ACCEPTED): _S.ACCEPTED,  # the answer of a cancelled attempt
    (_S.DUE, _G.ACCEPTED): _S.ACCEPTED,
    (_S.ACCEPTED, _G.STORED): _S.STORED,
    (_S.IN_FLIGHT, _G.GIVEN_UP): _S.FAILED,
}
"""Next state; a pair that is not here is an error of the dispatcher."""


@dataclass(slots=True)
class Attempt:
    """One sending of a tile to a worker.

    Parameters
    ----------
    tile, number : int
        Number of the tile, and of the attempt, from 1.
    worker : str
    sent_at : float
        Monotonic seconds.
    live : bool
        Whether it is in flight.
    heard_at : float
        Monotonic seconds when its worker last said that it computes it.
    """

    tile: int
    number: int
    worker: str
    sent_at: float
    live: bool = True
    heard_at: float = -inf


@dataclass(slots=True)
class OpenTile:
    """A tile between its first sending and its end.

    Parameters
    ----------
    work : Work
        Its number and sizes.
    state : TileState
    sent : int
        Attempts sent: the number of the latest one.
    tries : int
        Attempts that count; one that a busy worker turned away does not.
    timeouts : int
        Attempts that missed their deadline.
    retry_unpaid : bool
        Whether its retry has yet to take from the retry budget.
    turned_away_since : float or None
        Monotonic seconds of the first time in a row that a worker turned it away.
    attempts : dict of int to Attempt
        By number: those that may still be answered.
    failures : list of FailedAttempt
        Those that count.
    late : bool
        Whether its accepted answer came of an attempt that was no longer live: its bytes had been
        given to other tiles by then.
    story : deque of StoryEvent
        Its latest events.
    """

    work: Work
    state: TileState = TileState.PLANNED
    sent: int = 0
    tries: int = 0
    timeouts: int = 0
    retry_unpaid: bool = False
    turned_away_since: float | None = None
    attempts: dict[int, Attempt] = field(default_factory=dict)
    failures: list[FailedAttempt] = field(default_factory=list)
    late: bool = False
    story: deque[StoryEvent] = field(default_factory=lambda: deque(maxlen=STORY_EVENTS))

    @property
    def live(self) -> list[Attempt]:
        """Attempts in flight, oldest first."""
        return [attempt for attempt in self.attempts.values() if attempt.live]

    def hear(self, worker: str, now: float) -> None:
        """Record that a worker says that it computes this tile."""
        for attempt in self.live:
            if attempt.worker == worker:
                attempt.heard_at = now

    @property
    def failed_at(self) -> set[str]:
        """Names of the workers that failed it."""
        return {failure.worker for failure in self.failures}

    @property
    def known_at(self) -> set[str]:
        """Names of the workers that failed it, or have it."""
        return self.failed_at | {attempt.worker for attempt in self.live}

    @property
    def failed_workers(self) -> int:
        """The number of different workers that had failures which the tile may cause."""
        causes = (each for each in self.failures if CONSEQUENCES[each.kind].of_tile)
        return len({failure.worker for failure in causes})


@dataclass(frozen=True, slots=True)
class AcceptedAnswer:
    """The accepted answer of a tile that was sent more than once."""

    worker: str
    attempt: int
    sent: int
    digest: str


class TileTable:
    """Open tiles, recently accepted ones, those given up; and the sums over them.

    Parameters
    ----------
    works : iterator of Work
        The plan.
    count : float
        Of its tiles, infinite where nobody knows.
    """

    def __init__(self, works: Iterator[Work], count: float = inf) -> None:
        self._works = works
        self._count = count
        self._next: Work | None = None
        self.exhausted = False
        self.open: dict[int, OpenTile] = {}
        self.due: OrderedDict[int, None] = OrderedDict()  # waiting tiles that may go now
        self.newest: OrderedDict[int, Attempt] = OrderedDict()  # of each tile in flight, by age
        self.accepted: OrderedDict[int, AcceptedAnswer] = OrderedDict()
        self.failed: list[FailedTile] = []
        self.closed_stories: OrderedDict[int, deque[StoryEvent]] = OrderedDict()
        self.storing: dict[int, OpenTile] = {}  # accepted, and not in the sink yet
        self.tiles_in_flight = 0
        self.in_flight_bytes = 0
        self.pulled = self.early_hedges = 0

    @property
    def waiting(self) -> int:
        """The number of open tiles with nothing in flight."""
        return len(self.open) - self.tiles_in_flight

    @property
    def unsent(self) -> float:
        """The number of tiles of the plan that were not pulled yet."""
        return 0.0 if self.exhausted else self._count - self.pulled

    def peek(self) -> Work | None:
        """Return the next fresh tile of the plan, which stays there, or None at the end."""
        if self._next is None and not self.exhausted:
            self._next = next(self._works, None)
            self.exhausted = self._next is None
        return self._next

    def pull(self) -> OpenTile:
        """Open the tile that `peek` showed."""
        assert self._next is not None  # noqa: S101 - the caller has peeked
        tile = self.open[self._next.tile] = OpenTile(self._next)
        self._next = None
        self.pulled += 1
        return tile

    def story(self, number: int) -> list[StoryEvent]:
        """Return the latest events of a tile; see `Dispatcher.story`."""
        if number in self.open:
            return list(self.open[number].story)
        if number in self.closed_stories:
            return list(self.closed_stories[number])
        return next((list(each.story) for each in self.failed if each.tile == number), [])

    def signal(
        self, tile: OpenTile, signal: TileSignal, now: float, worker: str = "", reason: str = ""
    ) -> None:
        """Change a tile's state by the table, and add that to its story.

        Parameters
        ----------
        tile : OpenTile
        signal : TileSignal
        now : float
            Monotonic seconds.
        worker, reason : str
            Which worker is concerned, and why it happened, for the story.

        Raises
        ------
        InvariantError
            If the table has no such transition.
        """
        after = TILE_TRANSITIONS.get((tile.state, signal))
        if after is None:
            raise InvariantError(f"tile {tile.work.tile} can't be {signal}: it is {tile.state}")
        tile.state = after
        tile.story.append(StoryEvent(now, worker, signal, reason))

    def send(self, tile: OpenTile, worker: str, now: float, *, hedge: bool) -> Attempt:
        """Record that an attempt is sent.

        Parameters
        ----------
        tile : OpenTile
        worker : str
        now : float
            Monotonic seconds.
        hedge : bool
            Whether another attempt is in flight.

        Returns
        -------
        Attempt
            The attempt, live.

        Raises
        ------
        InvariantError
            If the tile is in a state in which it can't be sent.
        """
        self.signal(tile, TileSignal.HEDGED if hedge else TileSignal.SENT, now, worker)
        number = tile.work.tile
        tile.sent += 1
        tile.tries += 1
        self.tiles_in_flight += not tile.live
        self.early_hedges += hedge and not self.exhausted
        self.in_flight_bytes += tile.work.size_bytes
        attempt = tile.attempts[tile.sent] = Attempt(number, tile.sent, worker, now)
        self.due.pop(number, None)
        self.newest.pop(number, None)
        self.newest[number] = attempt
        return attempt

    def end_attempt(self, tile: OpenTile, attempt: Attempt, *, reported: bool) -> None:
        """Record that an attempt is not live; if that was `reported`, no answer can follow."""
        if reported:
            tile.attempts.pop(attempt.number, None)
        if not attempt.live:
            return
        attempt.live = False
        self.in_flight_bytes -= tile.work.size_bytes
        self.newest.pop(attempt.tile, None)
        rest = tile.live
        self.tiles_in_flight -= not rest
        if rest:  # older than most
            self.newest[attempt.tile] = rest[-1]
            self.newest.move_to_end(attempt.tile, last=False)

    def requeue(self, tile: OpenTile, now: float) -> None:
        """Make a tile due that was turned away, and has no live attempt."""
        self.signal(tile, TileSignal.REQUEUED, now)
        self.due[tile.work.tile] = None

    def back_off(self, tile: OpenTile, now: float, after_s: float) -> None:
        """Record that a tile without a live attempt waits `after_s` seconds for its retry."""
        self.signal(tile, TileSignal.RETRY_SCHEDULED, now, reason=f"in {after_s:.3f} s")
        tile.retry_unpaid = True

    def end_backoff(self, number: int, now: float) -> None:
        """Make a tile due whose backoff is over."""
        self.signal(self.open[number], TileSignal.RETRY_DUE, now)
        self.due[number] = None

    def accept(self, tile: OpenTile, attempt: Attempt, digest: str, now: float) -> None:
        """Close a tile without a live attempt, whose answer is accepted."""
        self.signal(tile, TileSignal.ACCEPTED, now, attempt.worker)
        number = tile.work.tile
        self.closed_stories[number] = tile.story
        if len(self.closed_stories) > CLOSED_STORIES:
            self.closed_stories.popitem(last=False)
        del self.open[number]
        self.due.pop(number, None)
        if tile.sent > 1:
            self.accepted[number] = AcceptedAnswer(
                attempt.worker, attempt.number, tile.sent, digest
            )
        if len(self.accepted) > REMEMBERED:
            self.accepted.popitem(last=False)

    def store(self, tile: OpenTile) -> None:
        """Record that an accepted answer is on its way to the sink; its bytes count until then."""
        self.storing[tile.work.tile] = tile
        self.in_flight_bytes += tile.work.bytes_back

    def stored(self, number: int, now: float) -> None:
        """Record that a tile's bytes are in the sink."""
        tile = self.storing.pop(number, None)
        if tile is not None:
            self.signal(tile, TileSignal.STORED, now)
            self.in_flight_bytes -= tile.work.bytes_back

    def give_up(self, tile: OpenTile, now: float) -> FailedTile:
        """Close a tile without a live attempt, which has failed for good."""
        self.signal(tile, TileSignal.GIVEN_UP, now)
        del self.open[tile.work.tile]
        failed = FailedTile(tile.work.tile, tuple(tile.failures), tuple(tile.story))
        self.failed.append(failed)
        return failed
