"""Runs on this machine that end early: at a tile of the test's choice, in a way of its choice."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from coordinator.engines import Capacity, TileRun
from coordinator.engines.local import LocalEngine
from coordinator.events import Event, Hearer, TileKept, TileSent, TileStored
from coordinator.journal.records import Finished
from coordinator.stores.partial import journal_path, partial_path
from coordinator.workflows.filter_file import filter_chain
from coordinator.workflows.run_options import Placement, RunOptions
from tests.support.formats import NPY, Array, Library, native
from tiling.jobs.job import Job

SIGMA = 1.5
SHAPE = (60, 7)
TILE = (8, 7)
TILES = 8


@dataclass
class Watched:
    """An engine that counts, and does something when so many tiles are stored."""

    at: int = -1
    act: Callable[[], None] = lambda: None
    sent: list[int] = field(default_factory=list)
    kept: list[int] = field(default_factory=list)
    stored: list[int] = field(default_factory=list)

    def prepare(self, job: Job, tell: Hearer) -> Capacity:
        return LocalEngine(1).prepare(job, tell)

    def audit(self, tiles: TileRun, finished: Mapping[int, Finished]) -> Set[int]:
        return LocalEngine(1).audit(tiles, finished)

    def run(self, tiles: TileRun, tell: Hearer) -> None:
        if self.at == 0:
            self.act()
        LocalEngine(1).run(tiles, lambda event: self._hear(event, tell))

    def _hear(self, event: Event, tell: Hearer) -> None:
        tell(event)
        match event:
            case TileSent(tile):
                self.sent.append(tile)
            case TileKept(tile, _):
                self.kept.append(tile)
            case TileStored(tile, _, _):
                self.stored.append(tile)
                if len(self.stored) == self.at:
                    self.act()


class Workbench:
    """An input file, and ways to filter it into another of its format."""

    def __init__(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, library: Library = NPY
    ) -> None:
        self.library = library
        self.source = folder / f"in{library.suffix}"
        self.target = folder / "out" / f"out{library.suffix}"
        self.target.parent.mkdir()
        self.said: list[str] = []
        self._monkeypatch = monkeypatch
        samples = np.random.default_rng(7).random(SHAPE)
        self.save(samples if library.holds(SHAPE, "f8") else (samples * 65535).astype("u2"))

    def save(self, array: Array) -> None:
        """Make the input anew."""
        self.library.save(self.source, array)

    def input(self) -> Array:
        """Return what the format's own library reads in the input."""
        return native(self.library.load(self.source)).copy()

    def result(self) -> Array:
        """Return what the format's own library reads in the output."""
        return native(self.library.load(self.target))

    @property
    def hidden(self) -> set[str]:
        """Names of what an unfinished run leaves."""
        return {self.partial.name, self.journal.name}

    @property
    def left(self) -> set[str]:
        """Names of all files in the output's folder."""
        return {path.name for path in self.target.parent.iterdir()}

    @property
    def journal(self) -> Path:
        return journal_path(self.target)

    @property
    def partial(self) -> Path:
        return partial_path(self.target)

    def blur(
        self,
        engine: Watched | None = None,
        *,
        tile: Any = TILE,
        parameters: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Watched:
        """Filter the input; return the engine that did it."""
        engine = engine or Watched()
        self._monkeypatch.setattr("coordinator.engines.local.LocalEngine", lambda: engine)
        links = [("gaussian_filter", {"sigma": SIGMA, **(parameters or {})})]
        run_options = RunOptions(
            placement=Placement(tile=tile),
            style="none",
            say=self.said.append,
            again="coord blur in.npy --resume",
            **options,
        )
        filter_chain(links, self.source, self.target, run_options)
        return engine

    def die(self, after: int, **options: Any) -> None:
        """Leave what a run leaves that is killed once so many tiles are stored."""
        with suppress(Killed):
            self.blur(Watched(after, kill), **options)


class Killed(BaseException):
    """What a test raises in place of a signal that nothing can catch."""


def kill() -> None:
    raise Killed
