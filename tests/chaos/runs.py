"""Runs through faults, and what must hold after each of them.

    the bits are SciPy's, and the file is at its place;
    or an error says what happened, with a documented exit code, and no file is at its place;
    and it took bounded time, and no thread, descriptor or temporary file is left.

What a failed run kept must be good: resumed over faultless connections, it gives SciPy's bits.
"""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from coordinator.dispatch.limits import Limits
from coordinator.engines.http.engine import HttpEngine
from coordinator.errors import TilefanError
from coordinator.events import Event, TileSent, TileStored
from coordinator.hosts.by_reference import ByReference
from coordinator.hosts.hosts_file import Config, parse_hosts
from coordinator.journal.recovery import find
from coordinator.run.output import Opening, Output
from coordinator.run.request import Request
from coordinator.run.run import run
from coordinator.stores.file_state import FileState
from coordinator.stores.files import Target, open_place
from coordinator.stores.place import Place
from tests.support.coordinators import wait_until
from tests.support.equality import assert_same_bits
from tiling.filters import FILTERS
from tiling.geometry.plan import Plan
from tiling.jobs.job import Job

HANGS_S = 120.0
"""No run here takes so long on any machine: it hangs."""

IMPATIENT = Limits(
    backoff_base_s=0.01,
    backoff_cap_s=0.1,
    last_retry_pause_s=0.2,
    retry_per_slot_s=10.0,
    hedge_initial_s=0.3,
    probe_base_s=0.05,
    probe_cap_s=0.3,
    greeting_s=1.0,
    start_timeout_s=2.0,
    fleet_timeout_s=3.0,
    busy_pause_s=0.05,
    busy_cap_s=0.1,
    deadline_base_s=2.0,
)
"""The same policies as everybody's, with pauses that suit loopback and small tiles."""


def fleet_of(
    addresses: Sequence[str], silent_after_s: float = 1.0, by_reference: ByReference = "auto"
) -> Config:
    """Return the configuration of a fleet whose silence is noticed soon."""
    config = parse_hosts(addresses)
    config = config.with_by_reference(by_reference)
    defaults = replace(config.defaults, silent_after_s=silent_after_s, connect_timeout_s=1.0)
    return replace(config, defaults=defaults)


@dataclass
class Run:
    """A run in a thread of its own: what it tells, and how it ended."""

    events: list[tuple[float, Event]] = field(default_factory=list)
    error: BaseException | None = None
    began_s: float = 0.0
    ended_s: float = 0.0

    @property
    def wall_s(self) -> float:
        return self.ended_s - self.began_s

    @property
    def stored(self) -> int:
        return sum(isinstance(event, TileStored) for _, event in list(self.events))

    def told(self, kind: type[Event]) -> list[Any]:
        """Return the events of a kind, in order."""
        return [event for _, event in list(self.events) if isinstance(event, kind)]

    def waits_for(self, worker: str) -> bool:
        """Whether a tile was sent to this worker, and none has come back from it since."""
        for _, event in reversed(list(self.events)):
            if isinstance(event, TileSent | TileStored) and event.worker == worker:
                return isinstance(event, TileSent)
        return False


@dataclass(frozen=True)
class Task:
    """An input file, what to make of it, and where to."""

    source: Path
    target: Path
    sigma: float
    tile: tuple[int, ...]
    mode: str = "reflect"
    by_reference: ByReference = "auto"

    @classmethod
    def make(
        cls,
        folder: Path,
        array: Any,
        sigma: float,
        tile: tuple[int, ...],
        mode: str = "reflect",
        by_reference: ByReference = "auto",
    ) -> Task:
        source, target = folder / "in.npy", folder / "out" / "out.npy"
        target.parent.mkdir(exist_ok=True)
        np.save(source, array)
        return cls(source, target, sigma, tile, mode, by_reference)

    @property
    def served(self) -> tuple[str, ...]:
        """What makes workers serve the files."""
        return ("--serve-from", str(self.source.parent))

    @property
    def left(self) -> set[str]:
        """Names of all files in the output's folder."""
        return {path.name for path in self.target.parent.iterdir()}

    def carry_out(
        self, addresses: Sequence[str], limits: Limits = IMPATIENT, silent_after_s: float = 1.0
    ) -> Run:
        """Do it on a fleet, whatever happens; fail if it does not end."""
        result, thread = self.start(addresses, limits, silent_after_s)
        return finish(result, thread)

    def start(
        self, addresses: Sequence[str], limits: Limits = IMPATIENT, silent_after_s: float = 1.0
    ) -> tuple[Run, threading.Thread]:
        """Begin it in a thread; pass what this returns to `finish`."""
        result = Run(began_s=time.monotonic())
        config = fleet_of(addresses, silent_after_s, self.by_reference)
        thread = threading.Thread(
            target=self._work, args=(result, config, limits), name="run", daemon=True
        )
        thread.start()
        return result, thread

    def _work(self, result: Run, config: Config, limits: Limits) -> None:
        engine = HttpEngine(config, limits=limits)
        try:
            self._run(engine, lambda at, event: result.events.append((at, event)))
        except TilefanError as error:
            result.error = error.with_traceback(None)  # its frames hold the files' maps
            error.__context__ = None
        except BaseException as error:
            result.error = error
        finally:
            engine.close()
            result.ended_s = time.monotonic()

    def _run(self, engine: HttpEngine, listen: Callable[[float, Event], None]) -> None:
        array = open_place(self.source)
        call = FILTERS["gaussian_filter"].call(
            len(array.shape), array.dtype, self.sigma, mode=self.mode
        )
        job = Job(len(array.shape), (call,))
        state = FileState.of(Place(self.source))
        result = Target.of(Place(self.target), array.shape, job.target)
        opening = Opening(result, job, array, state, job.target, (), "")
        left = find(self.target)

        def open_output(plan: Plan) -> Output:
            return opening.begin(plan) if left is None else opening.resume(left, plan, engine)

        run(Request(job, array, self.tile), open_output, engine, listen)

    def check(self, result: Run, addresses: Sequence[str]) -> bool:
        """Check what must hold after a run; return whether the output is there.

        Parameters
        ----------
        result : Run
        addresses : sequence of str
            Of workers that can be reached: what was kept is resumed with them.
        """
        if result.error is not None:
            self._check_failure(result.error)
            if not self.left:
                return False
            resumed = self.carry_out(addresses)
            assert resumed.error is None, resumed.error
        array = np.load(self.source)
        wanted = ndimage.gaussian_filter(array, self.sigma, mode=self.mode)
        assert_same_bits(np.load(self.target), wanted)
        assert self.left == {self.target.name}
        self.target.unlink()
        return result.error is None

    def _check_failure(self, error: BaseException) -> None:
        assert isinstance(error, TilefanError), repr(error)
        assert error.exit_code in (3, 4), repr(error)
        assert str(error).isprintable() or "\n" in str(error)
        assert self.left in (set(), {".out.npy.partial", ".out.npy.journal"})
        assert bool(self.left) == bool(getattr(error, "__notes__", ()))


def finish(result: Run, thread: threading.Thread) -> Run:
    """Wait for the end of a run."""
    thread.join(HANGS_S)
    assert not thread.is_alive(), f"the run hangs; last: {result.events[-5:]}"
    return result


def _descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


class Leaks:
    """Threads and descriptors of this process, now and later."""

    def __init__(self) -> None:
        gc.collect()
        self._threads = set(threading.enumerate())
        self._descriptors = _descriptors()

    def check(self) -> None:
        """Fail unless all that came since has gone."""
        gc.collect()
        wait_until(lambda: not self._new_threads(), f"no new threads, {self._new_threads()}")
        wait_until(lambda: _descriptors() <= self._descriptors, "no new descriptors")

    def _new_threads(self) -> set[threading.Thread]:
        return set(threading.enumerate()) - self._threads
