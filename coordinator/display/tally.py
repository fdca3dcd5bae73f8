"""A run's history as a display needs it: progress, rates, the tile map, and the last news."""

from __future__ import annotations

from coordinator.display.tile_map import Place, TileMap
from coordinator.events import (
    RunStarted,
    StageStarted,
    TileComputing,
    TileKept,
    TileSent,
    TileStored,
)
from coordinator.history.history import ABSENT, AttemptRecord, End, History, Remark, WorkerRecord
from coordinator.text import count


class Tally(History):
    """All there is to show of a run at any moment."""

    def __init__(self) -> None:
        super().__init__()
        self.map = TileMap((0,))
        self.news: Remark | None = None
        self._started_s = 0.0
        self._kept_bytes = 0
        self._earlier_tiles = self._earlier_bytes = 0
        self._failed_tiles: set[int] = set()
        self._credited: dict[int, int] = {}

    @property
    def stage_tiles(self) -> int:
        """How many tiles of this stage are stored, by an earlier run too."""
        return self.kept + self.stored - self._earlier_tiles

    def at_s(self, now: float) -> float:
        """Seconds from the first event to `now`, or to the last event once the run is over."""
        if self.finished is not None or self.first_s is None:
            return self.last_s
        return now - self.first_s

    def since_start_s(self, at_s: float) -> float:
        """Seconds from the start of the run to a time that counts from its first event."""
        return max(0.0, at_s - self._started_s)

    def elapsed_s(self, now: float) -> float:
        """Seconds since the start of the run, until its end."""
        return self.since_start_s(self.at_s(now))

    def rate(self, now: float) -> float:
        """Bytes of output per second: of late while the run lasts, of the whole once it is over."""
        if self.finished is None:
            return self.meter.rate(self.at_s(now))
        elapsed_s = self.elapsed_s(now)
        return self.meter.total / elapsed_s if elapsed_s > 0 else 0.0

    def left_s(self, now: float) -> float | None:
        """Seconds that the rest will take at the recent rate; None when nobody can tell."""
        rate = self.rate(now)
        if self.run is None or self.finished is not None or rate <= 0:
            return None
        stages_left = self.run.stages - self.stage + 1  # they write as much as this one, or nearly
        done_bytes = self._kept_bytes + self.meter.total - self._earlier_bytes
        return max(0.0, (self.run.bytes_out * stages_left - done_bytes) / rate)

    def _computing(self, at_s: float, event: TileComputing) -> None:
        tile, before = event.tile, self._share(event.tile)
        super()._computing(at_s, event)
        if self.run is not None and self.run.tiles:
            size = self.run.bytes_out / self.run.tiles
            more_bytes = int(size * (self._share(tile) - before))
            self._credited[tile] = self._credited.get(tile, 0) + more_bytes
            self.meter.add(at_s, more_bytes)

    def progress(self) -> tuple[float, int]:
        """Return how much is done, and of how much: tiles, each stage counting for as many.

        Of tiles in flight, the share counts that their workers say is computed.
        """
        if self.run is None or not self.run.tiles:
            return float(self.finished is not None), 1
        tiles = self.run.tiles
        done = min(self.stage_tiles + sum(map(self._share, self.attempts_of)), tiles)
        return (self.stage - 1) * tiles + done, tiles * self.run.stages

    def _share(self, tile: int) -> float:
        """Return the share of a tile that is computed and not stored."""
        attempts = self.attempts_of.get(tile, {}).values()
        return max((each.share for each in attempts), default=0.0)

    def stage_words(self) -> tuple[str, ...]:
        """Say which stage this is of a run that has several; nothing of one that has not."""
        if self.run is None or self.run.stages == 1:
            return ()
        return (f"stage {self.stage} of {self.run.stages}",)

    def fleet(self) -> str:
        """Say how many workers there are, and how many of them are lost."""
        return self._workers_and_lost(len(self.workers))

    def computed_by(self) -> str:
        """Say how many workers computed, and how many were lost, whether they did or not."""
        return self._workers_and_lost(sum(worker.stored > 0 for worker in self.workers.values()))

    def _workers_and_lost(self, workers: int) -> str:
        lost = len(self.lost())
        return f"{count(workers, 'worker')}{f', {lost:,} lost' if lost else ''}"

    def lost(self) -> list[WorkerRecord]:
        """Return the workers that can't be used."""
        return [worker for worker in self.workers.values() if worker.standing in ABSENT]

    def _started(self, at_s: float, event: RunStarted) -> None:
        super()._started(at_s, event)
        self._started_s = at_s
        self.map = TileMap(event.grid)

    def _next_stage(self, event: StageStarted) -> None:
        super()._next_stage(event)
        self._earlier_tiles = self.kept + self.stored
        self._earlier_bytes = self.meter.total
        self.map = TileMap(event.grid)
        self._failed_tiles.clear()
        self._credited.clear()

    def _sent(self, at_s: float, event: TileSent) -> AttemptRecord:
        if event.tile not in self.attempts_of:
            self.map.count(event.tile, Place.FLYING, 1)
        self._no_longer_failed(event.tile)
        return super()._sent(at_s, event)

    def _stored(self, at_s: float, event: TileStored) -> None:
        if event.tile in self.attempts_of:
            self.map.count(event.tile, Place.FLYING, -1)
        super()._stored(at_s, event)
        self.meter.add(at_s, -self._credited.pop(event.tile, 0))
        self._no_longer_failed(event.tile)
        self.map.count(event.tile, Place.STORED, 1)
        self.map.credit(event.tile, self.workers[event.worker].number)

    def _end(self, at_s: float, attempt: AttemptRecord, end: End, reason: str) -> None:
        super()._end(at_s, attempt, end, reason)
        if attempt.tile not in self.attempts_of:
            self.map.count(attempt.tile, Place.FLYING, -1)
            self.map.count(attempt.tile, Place.FAILED, 1)
            self._failed_tiles.add(attempt.tile)

    def _no_longer_failed(self, tile: int) -> None:
        if tile in self._failed_tiles:
            self._failed_tiles.discard(tile)
            self.map.count(tile, Place.FAILED, -1)

    def _kept(self, at_s: float, event: TileKept) -> None:
        super()._kept(at_s, event)
        self.map.count(event.tile, Place.STORED, 1)
        self._kept_bytes += event.bytes_out
        self._remark(at_s, f"{count(self.kept, 'tile')} kept from an unfinished run")

    def _remark(self, at_s: float, text: str) -> None:
        self.news = Remark(at_s, text)
