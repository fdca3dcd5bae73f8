"""A simulated fleet: a fake clock, and fake workers with every kind of fault.

One heap of things to come; whatever happens next happens at once, so an hour costs milliseconds.
The world throws its own dice, from its own seed: a schedule is a number.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from random import Random
from typing import TYPE_CHECKING

from coordinator.dispatch.instructions import Accept, Cancel, Probe, Send, Work
from coordinator.dispatch.policy import Limits
from coordinator.events import (
    Event,
    FailureKind,
    Interrupted,
    Tick,
    TileAnswered,
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


@dataclass(frozen=True, slots=True)
class Nature:
    """What a fake worker is like; probabilities are per attempt, spans are (from, until)."""

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
    late: float = 0.0  # of cancelled attempts: heard of all the same
    lies: float = 0.0  # answers with bits of its own
    unfit: bool = False
    hollow: bool = False  # answers greetings and refuses every connection


@dataclass(frozen=True, slots=True)
class World:
    """A schedule: all that a simulation needs."""

    natures: tuple[Nature, ...]
    works: tuple[Work, ...]
    seed: int
    limits: Limits = field(default_factory=Limits)
    poison: frozenset[int] = frozenset()  # tiles that break every worker they meet
    interrupted_at: float | None = None
    store_s: float | None = None  # how long the sink takes, if the engine reports it
    forgets: float = 0.0  # deadlines that the engine overlooks, greetings it does not make


class Simulation:
    """Runs a world to its end."""

    def __init__(self, world: World, *, record: bool = False) -> None:
        self.world = world
        self.names = [f"w{index}" for index in range(len(world.natures))]
        self.natures = dict(zip(self.names, world.natures, strict=True))
        self.rng = Random(world.seed ^ 0x5EED)
        self.checked = CheckedDispatcher(
            world.works,
            self.names,
            limits=world.limits,
            seed=world.seed,
            awaits_stores=world.store_s is not None,
            stride=10 + len(self.names),  # a validation costs a pass over the workers
        )
        if record:
            self.checked.history = []
        self.now = 0.0
        self.events = 0
        self._heap: list[tuple[float, int, Event]] = []
        self._serial = 0
        self._dropped: set[tuple[int, int]] = set()
        self._greet_all()

    def run(self, *, most_events: int = 1_000_000) -> Outcome:
        """Play until the end; a run that does not come to one fails."""
        self._deliver(Tick())
        while self.checked.outcome is None:
            self._step()
            self.events += 1
            assert self.events < most_events, "never ends"
        for _, _, event in sorted(self._heap)[:20]:  # what is still on its way comes too late
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
            if key in self._dropped and self.rng.random() >= self.natures[event.worker].late:
                return
        self._deliver(event)

    def _deliver(self, event: Event) -> None:
        for instruction in self.checked.deliver(event, self.now):
            match instruction:
                case Send():
                    self._serve(instruction, self.natures[instruction.worker])
                case Cancel(tile, _, attempt):
                    self._dropped.add((tile, attempt))
                case Accept(tile, worker) if self.world.store_s is not None:
                    self._later(self.now + self.world.store_s, TileStored(tile, worker, 1))
                case Probe(worker):
                    if self.rng.random() >= self.world.forgets:
                        self._greet(worker, self.now + LATENCY_S)

    def _later(self, at: float, event: Event) -> None:
        self._serial += 1
        heappush(self._heap, (at, self._serial, event))

    # Workers come and go

    def _greet_all(self) -> None:
        for name, nature in self.natures.items():
            if self.rng.random() >= self.world.forgets:
                self._greet(name, LATENCY_S)
            for start, end in nature.dead + nature.frozen:
                if end - start >= HEARTBEAT_S:
                    self._later(start + HEARTBEAT_S, WorkerLost(name, "silent"))
        if self.world.interrupted_at is not None:
            self._later(self.world.interrupted_at, Interrupted())

    def _greet(self, name: str, at: float) -> None:
        nature = self.natures[name]
        if nature.unfit:
            self._later(at, WorkerLost(name, "speaks another version", permanent=True))
        elif at < nature.joins_at or _inside(nature.dead, at):
            self._later(at, WorkerLost(name, "connection refused"))
        elif _inside(nature.frozen, at):
            self._later(at + HEARTBEAT_S, WorkerLost(name, "no answer"))
        else:
            self._later(at, WorkerReady(name, nature.slots))

    # Tiles are served

    def _serve(self, send: Send, nature: Nature) -> None:
        at = self.now + LATENCY_S
        if nature.hollow or _inside(nature.dead, at):
            self._fail(send, at, FailureKind.UNREACHED, "connection refused")
            return
        until = at + nature.tile_s * self.rng.uniform(1 - nature.spread, 1 + nature.spread)
        for start, end in nature.frozen:
            if start < until and at < end:
                until += end - max(start, at)
        deaths = [start for start, _ in nature.dead if at <= start < until]
        if deaths:
            self._fail(send, min(deaths), FailureKind.BROKEN, "died")
        else:
            self._answer(send, nature, at, until)

    def _answer(self, send: Send, nature: Nature, at: float, until: float) -> None:
        kind = self._vice(send, nature)
        deadline = self.now + send.deadline_s
        stalled = self.rng.random() < nature.stalls
        if stalled or until > deadline:
            if self.rng.random() >= self.world.forgets:
                self._fail(send, deadline, FailureKind.TIMEOUT, "deadline")
            if stalled:
                return
        if kind is FailureKind.BUSY:
            self._fail(send, at, kind, "busy", self.rng.choice([None, 0.0, 0.5, 3.0]))
        elif kind is not None:
            self._fail(send, (at + until) / 2, kind, kind.value)
        else:
            self._succeed(send, nature, until)

    def _vice(self, send: Send, nature: Nature) -> FailureKind | None:
        if send.tile in self.world.poison:
            return FailureKind.BROKEN
        roll = self.rng.random()
        for kind, chance in (
            (FailureKind.BROKEN, nature.broken),
            (FailureKind.CORRUPT, nature.corrupt),
            (FailureKind.BUSY, nature.busy),
            (FailureKind.REFUSED, nature.refused),
        ):
            if roll < chance:
                return kind
            roll -= chance
        return None

    def _succeed(self, send: Send, nature: Nature, at: float) -> None:
        lie = self.rng.random() < nature.lies
        digest = f"{send.worker}'s" if lie else "true"
        answer = TileAnswered(send.tile, send.worker, send.attempt, digest, 1)
        self._later(at, answer)
        if self.rng.random() < nature.duplicates:
            self._later(at + self.rng.uniform(0.0, 3.0), answer)

    def _fail(
        self, send: Send, at: float, kind: FailureKind, reason: str, asked_s: float | None = None
    ) -> None:
        self._later(at, TileFailed(send.tile, send.worker, send.attempt, reason, asked_s, kind))


def _inside(spans: Sequence[tuple[float, float]], at: float) -> bool:
    return any(start <= at < end for start, end in spans)


def even_works(tiles: int, size_bytes: int = 1_000_000) -> tuple[Work, ...]:
    """Tiles that weigh the same."""
    half = size_bytes // 2
    return tuple(Work(number, half, size_bytes - half) for number in range(tiles))


def random_nature(rng: Random) -> Nature:
    """A worker with a few vices, or none."""
    vice = rng.choice(
        ["", "", "", "slow", "dies", "freezes", "flaps", "late", "sick", "busy", "unfit"]
    )
    span = rng.uniform(0.0, 8.0)
    return Nature(
        tile_s=rng.choice([0.01, 0.3, 1.0]) * (10.0 if vice == "slow" else 1.0),
        slots=rng.choice([1, 1, 2, 4]),
        joins_at=span if vice == "late" else 0.0,
        dead={
            "dies": ((span, 1e9),),
            "flaps": tuple((span + 4 * i, span + 4 * i + 2) for i in range(6)),
        }.get(vice, ()),
        frozen=((span, span + rng.choice([1.0, 8.0, 1e9])),) if vice == "freezes" else (),
        broken=rng.choice([0.05, 0.5, 1.0]) if vice == "sick" else 0.0,
        corrupt=rng.choice([0.0, 0.1]) if vice == "sick" else 0.0,
        refused=rng.choice([0.0, 0.1]) if vice == "sick" else 0.0,
        stalls=rng.choice([0.0, 0.1]) if vice == "sick" else 0.0,
        busy=rng.choice([0.2, 0.9]) if vice == "busy" else 0.0,
        duplicates=rng.choice([0.0, 0.3]),
        late=rng.choice([0.0, 0.5, 1.0]),
        lies=rng.choice([0.1, 1.0]) if rng.random() < 0.01 else 0.0,
        unfit=vice == "unfit",
    )


def random_world(seed: int) -> World:
    """Schedule number `seed`: mostly small fleets, now and then up to a thousand workers."""
    rng = Random(seed)
    many = rng.random()
    workers = rng.randint(1, 6) if many < 0.99 else rng.randint(7, 60 if many < 0.9995 else 1000)
    tiles = rng.randint(0, 3 * workers + 10)
    calamity = rng.random() < 0.1  # the whole fleet restarts
    natures = tuple(random_nature(rng) for _ in range(workers))
    if calamity:
        natures = tuple(_with_outage(nature, 0.5, 0.5 + rng.uniform(0, 5)) for nature in natures)
    return World(
        natures=natures,
        works=tuple(Work(i, rng.randint(1, 1000), rng.randint(1, 1000)) for i in range(tiles)),
        seed=seed,
        limits=Limits(
            bytes_in_flight=rng.choice([1, 3000, 1 << 30]), keep_going=rng.random() < 0.5
        ),
        poison=frozenset(rng.sample(range(tiles), min(tiles, rng.choice([0, 0, 0, 0, 1, 2])))),
        interrupted_at=rng.uniform(0, 5) if rng.random() < 0.05 else None,
        store_s=rng.choice([None, 0.01, 1.0]),
        forgets=rng.choice([0.0, 0.0, 0.3]),
    )


def has_hope(world: World) -> bool:
    """Whether nothing can excuse a run of this world that is not done: all its ills pass."""
    sick = any(
        n.broken or n.corrupt or n.refused or n.stalls or n.lies or n.hollow for n in world.natures
    )
    lasting = any(
        not (n.unfit or n.busy or n.joins_at)
        and all(end - start < 10.0 for start, end in n.dead + n.frozen)
        for n in world.natures
    )
    meddled = world.poison or world.interrupted_at is not None or world.forgets
    return lasting and not sick and not meddled


def _with_outage(nature: Nature, start: float, end: float) -> Nature:
    return replace(nature, dead=((start, end), *nature.dead))
