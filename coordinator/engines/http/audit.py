"""Tiles that an earlier run finished, read again by workers that see them; nothing is computed.

A worker answers the two digests of such a tile that it would answer after computing it. Where these
are the journal's, the tile is in the output, and comes from the input as it is now. Of every other
tile nothing is known, and whoever asked looks at it himself: so no tile is asked for twice.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Protocol

from coordinator.engines import TileRun
from coordinator.engines.http.exchange import Answered
from coordinator.engines.http.places import Opener, Places
from coordinator.engines.http.refusal import PlaceRefusal, Refusal
from coordinator.engines.http.threads import Threads
from coordinator.events import WorkerReady
from coordinator.interruption import let_in
from coordinator.journal.records import Finished
from tiling.geometry.plan import Tile
from tiling.jobs.job import Job

LOOK_S = 0.1
"""Between two looks at whether the user wants an end."""


class Rereading(Protocol):
    """One tile on its way to a worker that reads it again, and back."""

    def send(self) -> None:
        """Ask for it; raises `Refusal`."""

    def receive(self) -> Answered:
        """Wait for the answer; raises `Refusal`."""

    def abort(self) -> None:
        """Have whoever waits be refused."""


class Reader(Opener, Protocol):
    """A worker that may be asked."""

    def reread(self, job: Job, tile: Tile, place: str) -> Rereading:
        """Return the way of a tile that is in a place already."""


class Audit:
    """One audit of what an unfinished run left.

    Parameters
    ----------
    tiles : TileRun
        With the output of that run.
    finished : mapping of int to Finished
        What its journal says.
    readers : mapping of str to Reader
        The workers.
    threads : Threads
        That wait for them.
    places : Places
        Of these tiles; they are closed at the end.
    patience_s : float
        How long nobody may answer, before the rest is left alone.
    """

    def __init__(
        self,
        tiles: TileRun,
        finished: Mapping[int, Finished],
        readers: Mapping[str, Reader],
        threads: Threads,
        places: Places,
        patience_s: float,
    ) -> None:
        self._tiles = tiles
        self._finished = finished
        self._readers = readers
        self._threads = threads
        self._places = places
        self._patience_s = patience_s
        self._lock = threading.Lock()
        self._left = deque(finished)
        self._exchanges: set[Rereading] = set()
        self._news: queue.SimpleQueue[Finished | BaseException | None] = queue.SimpleQueue()

    def carry_out(self, ready: Sequence[WorkerReady]) -> frozenset[int]:
        """Return the tiles that some worker found as the journal says.

        Parameters
        ----------
        ready : sequence of WorkerReady
            Whom to ask.

        Raises
        ------
        StoreError
            If the input can't be read, or the nonce can't be planted.
        """
        try:
            for event in ready:
                slots = min(event.slots, -(-len(self._finished) // len(ready)))
                self._threads.submit(partial(self._ask, event.worker, slots))
            return self._heard(len(ready))
        finally:
            with self._lock:
                self._left.clear()
            for exchange in tuple(self._exchanges):
                exchange.abort()
            self._places.break_off()

    def _heard(self, workers: int) -> frozenset[int]:
        """Listen until so many workers are done, or nobody says anything any more."""
        seen = set()
        until = time.monotonic() + self._patience_s
        while workers and time.monotonic() < until:
            let_in()
            try:
                news = self._news.get(timeout=LOOK_S)
            except queue.Empty:
                continue
            until = time.monotonic() + self._patience_s
            match news:
                case BaseException():
                    raise news
                case Finished(tile):
                    if news == self._finished[tile]:
                        seen.add(tile)
                case None:
                    workers -= 1
        return frozenset(seen)

    # In threads

    def _ask(self, worker: str, slots: int) -> None:
        """Ask one worker for so many tiles at a time, if it sees the output."""
        reader = self._readers[worker]
        try:
            self._places.offer_to(worker, reader)
            terms = self._places.terms(worker)
            if terms.writes:
                read = partial(self._read, reader, terms.place)
                self._threads.map(read, range(slots))
        except BaseException as error:
            self._news.put(error)
        self._news.put(None)

    def _read(self, reader: Reader, place: str, _: int) -> None:
        """Have one tile after another read, until there are none or the worker refuses."""
        while (tile := self._next()) is not None:
            exchange = reader.reread(self._tiles.job, tile, place)
            self._exchanges.add(exchange)
            try:
                exchange.send()
                answered = exchange.receive()
                self._news.put(Finished(tile.index, answered.asked, answered.digest))
            except PlaceRefusal as refusal:
                if refusal.is_unknown:
                    return
            except Refusal:
                return
            finally:
                self._exchanges.discard(exchange)

    def _next(self) -> Tile | None:
        """Return a tile that nobody has been asked for; None if there is none, or all is over."""
        with self._lock:
            return self._tiles.plan[self._left.popleft()] if self._left else None
