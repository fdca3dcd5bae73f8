"""A simulated fleet: a fake clock, and fake workers with every kind of fault.

A heap has the events to come, and the clock jumps to the next one, so an hour costs milliseconds.
The scenario has random numbers of its own: it can be repeated from its seed.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from random import Random
from typing import TYPE_CHECKING

from coordinator.dispatch.instructions import Accept, Cancel, Probe, Send, Work
from coordinator.dispatch.limits import Limits
from coordinator.events import (
    Event,
    FailureKind,
    Interrupted,
    Tick,
    TileAnswered,
    TileComputing,
    TileFailed,
    TileStored,
    WorkerLost,
    WorkerReady,
)
from tests.coordinator.dispatch.checked import CheckedDispatcher

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coordinator.dispatch.outcome import Outcome

LATENCY_S = 0.002
HEARTBEAT_S = 5.0
NEWS_S = 2.0


@dataclass(frozen=True, slots=True)
class FakeWorker:
    """The behaviour of a fake worker; probabilities are per attempt, spans are (from, until)."""

    tile_s: float = 1.0
    spread: float = 0.2
    slots: int = 1
    joins_at: float = 0.0
    dead: tuple[tuple[float, float], ...] = ()
    frozen: tuple[tuple[float, float], ...] = ()
    broken: float = 0.0
    corrupt: float = 0.0
    busy: float = 0.0
    refused: float = 0.0
    stalls: float = 0.0
    duplicates: float = 0.0
    late: float = 0.0  # that a cancelled attempt is reported all the same
    wrong_bits: float = 0.0  # that an answer has bits of its own
    unfit: bool = False
    refuses_tiles: bool = False  # answers greetings and refuses every connection
    pretends: bool = False  # says for ever that it computes
    claimed_work_s: float | None = None
    ends_at: float | None = None  # when its time is over: it says so, and is dead from then on

    @property
    def gone(self) -> tuple[tuple[float, float], ...]:
        """The spans in which it is not there."""
        return self.dead if self.ends_at is None else (*self.dead, (self.ends_at, 1e9))


@dataclass(frozen=True, slots=True)
class Scenario:
    """The workers, tiles, limits and incidents of a simulation."""

    fakes: tuple[FakeWorker, ...]
    works: tuple[Work, ...]
    seed: int
    limits: Limits = field(default_factory=Limits)
    bad_tiles: frozenset[int] = frozenset()  # tiles at which every worker fails
    interrupted_at: float | None = None
    store_s: float | None = None  # how long the sink takes, if the engine reports it
    forgotten: float = 0.0  # that the engine omits a deadline or a greeting


class Simulation:
    """Runs a scenario to its end."""

    def __init__(self, scenario: Scenario, *, record: bool = False) -> None:
        self.scenario = scenario
        self.names = [f"w{index}" for index in range(len(scenario.fakes))]
        self.fakes = dict(zip(self.names, scenario.fakes, strict=True))
        self.rng = Random(scenario.seed ^ 0x5EED)
        self.checked = CheckedDispatcher(
            scenario.works,
            self.names,
            limits=scenario.limits,
            seed=scenario.seed,
            awaits_stores=scenario.store_s is not None,
            stride=10 + len(self.names),  # a validation costs a pass over the workers
        )
        if record:
            self.checked.history = []
        self.now = 0.0
        self.events = 0
        self._heap: list[tuple[float, int, Event]] = []
        self._serial = 0
        self._cancelled: set[tuple[int, int]] = set()
        self._greet_all()

    def run(self, *, most_events: int = 1_000_000) -> Outcome:
        """Run until the end; a run that does not come to one fails."""
        self._deliver(Tick())
        while self.checked.outcome is None:
            self._step()
            self.events += 1
            assert self.events < most_events, "never ends"
        for _, _, event in sorted(self._heap)[:20]:  # these come too late
            self.checked.deliver(event, self.now)
        return self.checked.outcome

    def _step(self) -> None:
        wake_at = self.checked.wake_at
        if wake_at is not None and (not self._heap or wake_at < self._heap[0][0]):
            self.now = wake_at
            self._deliver(Tick())
            return
        self.now, _, event = heappop(self._heap)
        if isinstance(event, TileAnswered | TileFailed):
            key = (event.tile, event.attempt)
            if key in self._cancelled and self.rng.random() >= self.fakes[event.worker].late:
                return
        self._deliver(event)

    def _deliver(self, event: Event) -> None:
        for instruction in self.checked.deliver(event, self.now):
            match instruction:
                case Send():
                    self._serve(instruction, self.fakes[instruction.worker])
                case Cancel(tile, _, attempt):
                    self._cancelled.add((tile, attempt))
                case Accept(tile, worker) if self.scenario.store_s is not None:
                    self._later(self.now + self.scenario.store_s, TileStored(tile, worker, 1))
                case Probe(worker):
                    if self.rng.random() >= self.scenario.forgotten:
                        self._greet(worker, self.now + LATENCY_S)

    def _later(self, at: float, event: Event) -> None:
        self._serial += 1
        heappush(self._heap, (at, self._serial, event))

    # Workers come and go

    def _greet_all(self) -> None:
        for name, fake in self.fakes.items():
            if self.rng.random() >= self.scenario.forgotten:
                self._greet(name, LATENCY_S)
            for start, end in fake.gone + fake.frozen:
                if end - start >= HEARTBEAT_S:
                    self._later(start + HEARTBEAT_S, WorkerLost(name, "silent"))
        if self.scenario.interrupted_at is not None:
            self._later(self.scenario.interrupted_at, Interrupted())

    def _greet(self, name: str, at: float) -> None:
        fake = self.fakes[name]
        if fake.unfit:
            self._later(at, WorkerLost(name, "speaks another version", permanent=True))
        elif at < fake.joins_at or _inside(fake.gone, at):
            self._later(at, WorkerLost(name, "connection refused"))
        elif _inside(fake.frozen, at):
            self._later(at + HEARTBEAT_S, WorkerLost(name, "no answer"))
        else:
            left_s = None if fake.ends_at is None else fake.ends_at - at
            ready = WorkerReady(name, fake.slots, work_s=fake.claimed_work_s, ends_in_s=left_s)
            self._later(at, ready)

    # Tiles are served

    def _serve(self, send: Send, fake: FakeWorker) -> None:
        at = self.now + LATENCY_S
        if fake.refuses_tiles or _inside(fake.gone, at):
            self._fail(send, at, FailureKind.UNREACHED, "connection refused")
            return
        if fake.pretends:
            self._tell_news(send, at, at + 1e4)
            return
        until = at + fake.tile_s * self.rng.uniform(1 - fake.spread, 1 + fake.spread)
        for start, end in fake.frozen:
            if start < until and at < end:
                until += end - max(start, at)
        deaths = [start for start, _ in fake.gone if at <= start < until]
        if deaths:
            self._fail(send, min(deaths), FailureKind.BROKEN, "died")
        else:
            self._answer(send, fake, at, until)

    def _answer(self, send: Send, fake: FakeWorker, at: float, until: float) -> None:
        kind = self._fault(send, fake)
        if self.rng.random() < fake.stalls:
            if self.rng.random() >= self.scenario.forgotten:
                self._fail(send, self.now + send.deadline_s, FailureKind.TIMEOUT, "deadline")
            return
        frozen_at = min((start for start, end in fake.frozen if at < end), default=until)
        self._tell_news(send, at, min(until, frozen_at))
        if kind is FailureKind.BUSY:
            self._fail(send, at, kind, "busy", self.rng.choice([None, 0.0, 0.5, 3.0]))
        elif kind is not None:
            self._fail(send, (at + until) / 2, kind, kind.value)
        else:
            self._succeed(send, fake, until)

    def _tell_news(self, send: Send, at: float, until: float) -> None:
        """Have the worker say from time to time that it computes a tile."""
        took_s = until - at
        for count in range(1, int(took_s / NEWS_S) + 1):
            share = count * NEWS_S / took_s
            self._later(at + count * NEWS_S, TileComputing(send.tile, send.worker, share))

    def _fault(self, send: Send, fake: FakeWorker) -> FailureKind | None:
        if send.tile in self.scenario.bad_tiles:
            return FailureKind.BROKEN
        roll = self.rng.random()
        for kind, chance in (
            (FailureKind.BROKEN, fake.broken),
            (FailureKind.CORRUPT, fake.corrupt),
            (FailureKind.BUSY, fake.busy),
            (FailureKind.REFUSED, fake.refused),
        ):
            if roll < chance:
                return kind
            roll -= chance
        return None

    def _succeed(self, send: Send, fake: FakeWorker, at: float) -> None:
        wrong = self.rng.random() < fake.wrong_bits
        digest = f"{send.worker}'s" if wrong else "true"
        answer = TileAnswered(send.tile, send.worker, send.attempt, digest, 1)
        self._later(at, answer)
        if self.rng.random() < fake.duplicates:
            self._later(at + self.rng.uniform(0.0, 3.0), answer)

    def _fail(
        self, send: Send, at: float, kind: FailureKind, reason: str, asked_s: float | None = None
    ) -> None:
        self._later(at, TileFailed(send.tile, send.worker, send.attempt, reason, asked_s, kind))


def _inside(spans: Sequence[tuple[float, float]], at: float) -> bool:
    return any(start <= at < end for start, end in spans)


def even_works(tiles: int, size_bytes: int = 1_000_000) -> tuple[Work, ...]:
    """Return tiles of the same size."""
    half = size_bytes // 2
    return tuple(Work(number, half, size_bytes - half) for number in range(tiles))


def random_worker(rng: Random) -> FakeWorker:
    """Return a worker with a few faults, or none."""
    fault = rng.choice(
        ["", "", "", "slow", "dies", "freezes", "flaps", "late", "failing", "busy", "unfit"]
    )
    span = rng.uniform(0.0, 8.0)
    return FakeWorker(
        tile_s=rng.choice([0.01, 0.3, 1.0]) * (10.0 if fault == "slow" else 1.0),
        slots=rng.choice([1, 1, 2, 4]),
        joins_at=span if fault == "late" else 0.0,
        dead={
            "dies": ((span, 1e9),),
            "flaps": tuple((span + 4 * i, span + 4 * i + 2) for i in range(6)),
        }.get(fault, ()),
        frozen=((span, span + rng.choice([1.0, 8.0, 1e9])),) if fault == "freezes" else (),
        broken=rng.choice([0.05, 0.5, 1.0]) if fault == "failing" else 0.0,
        corrupt=rng.choice([0.0, 0.1]) if fault == "failing" else 0.0,
        refused=rng.choice([0.0, 0.1]) if fault == "failing" else 0.0,
        stalls=rng.choice([0.0, 0.1]) if fault == "failing" else 0.0,
        busy=rng.choice([0.2, 0.9]) if fault == "busy" else 0.0,
        duplicates=rng.choice([0.0, 0.3]),
        late=rng.choice([0.0, 0.5, 1.0]),
        wrong_bits=rng.choice([0.1, 1.0]) if rng.random() < 0.01 else 0.0,
        unfit=fault == "unfit",
    )


def random_scenario(seed: int) -> Scenario:
    """Return the scenario of a seed: mostly small fleets, a few of up to a thousand workers."""
    rng = Random(seed)
    many = rng.random()
    workers = rng.randint(1, 6) if many < 0.99 else rng.randint(7, 60 if many < 0.9995 else 1000)
    tiles = rng.randint(0, 3 * workers + 10)
    outage = rng.random() < 0.1  # the whole fleet restarts
    fakes = tuple(random_worker(rng) for _ in range(workers))
    if outage:
        fakes = tuple(_with_outage(fake, 0.5, 0.5 + rng.uniform(0, 5)) for fake in fakes)
    ends = Random(~seed)  # of its own, so that a seed's other numbers stay what they were
    fakes = tuple(
        replace(fake, ends_at=ends.uniform(1.0, 60.0)) if ends.random() < 0.1 else fake
        for fake in fakes
    )
    return Scenario(
        fakes=fakes,
        works=tuple(Work(i, rng.randint(1, 1000), rng.randint(1, 1000)) for i in range(tiles)),
        seed=seed,
        limits=Limits(
            bytes_in_flight=rng.choice([1, 3000, 1 << 30]), keep_going=rng.random() < 0.5
        ),
        bad_tiles=frozenset(rng.sample(range(tiles), min(tiles, rng.choice([0, 0, 0, 0, 1, 2])))),
        interrupted_at=rng.uniform(0, 5) if rng.random() < 0.05 else None,
        store_s=rng.choice([None, 0.01, 1.0]),
        forgotten=rng.choice([0.0, 0.0, 0.3]),
    )


def can_finish(scenario: Scenario) -> bool:
    """Whether all faults of a scenario end, so that its run must be done, but for bad luck."""
    failing = any(
        fake.broken
        or fake.corrupt
        or fake.refused
        or fake.stalls
        or fake.wrong_bits
        or fake.refuses_tiles
        for fake in scenario.fakes
    )
    lasting = any(
        not (fake.unfit or fake.busy or fake.joins_at)
        and all(end - start < 10.0 for start, end in fake.gone + fake.frozen)
        for fake in scenario.fakes
    )
    disturbed = scenario.bad_tiles or scenario.interrupted_at is not None or scenario.forgotten
    return lasting and not failing and not disturbed


def _with_outage(fake: FakeWorker, start: float, end: float) -> FakeWorker:
    return replace(fake, dead=((start, end), *fake.dead))
