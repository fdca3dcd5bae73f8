"""Hypothesis plays the world: any event, in any order, at any time, and a referee watches."""

from __future__ import annotations

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from coordinator.dispatch.policy import Limits
from coordinator.events import (
    FailureKind,
    Interrupted,
    Tick,
    TileAnswered,
    TileFailed,
    WorkerLost,
    WorkerReady,
)
from tests.coordinator.dispatch.referee import Page, Referee
from tests.coordinator.dispatch.simulation import even_works

WORKERS = st.sampled_from(["a", "b", "c", "d", "stranger"])
CHOICE = st.integers(0, 1_000_000)


class World(RuleBasedStateMachine):
    """A dispatcher with a dozen tiles, four workers and an adversary."""

    def __init__(self) -> None:
        super().__init__()
        limits = Limits(bytes_in_flight=4_500_000, keep_going=True)
        self.referee = Referee(even_works(12), ["a", "b", "c", "d"], limits=limits, seed=1)
        self.now = 0.0

    def sent(self) -> list[tuple[Page, int, str]]:
        """Every attempt that was ever sent."""
        pages = self.referee.pages.values()
        return [(page, number, at) for page in pages for number, at in page.sends.items()]

    def flying(self) -> list[tuple[Page, int, str]]:
        """Every attempt that is in flight."""
        pages = self.referee.pages.values()
        return [(page, number, at) for page in pages for number, at in page.live.items()]

    @rule(worker=WORKERS, slots=st.integers(0, 3))
    def greet(self, worker: str, slots: int) -> None:
        """A worker says it is ready, whether it was asked or not."""
        self.referee.deliver(WorkerReady(worker, slots), self.now)

    @rule(worker=WORKERS, permanent=st.sampled_from([False] * 9 + [True]))
    def lose(self, worker: str, permanent: bool) -> None:
        """A worker falls silent."""
        self.referee.deliver(WorkerLost(worker, "gone", permanent), self.now)

    @precondition(lambda self: self.flying())
    @rule(choice=CHOICE)
    def answer(self, choice: int) -> None:
        """One of the attempts in flight succeeds."""
        flying = self.flying()
        page, attempt, worker = flying[choice % len(flying)]
        answer = TileAnswered(page.work.tile, worker, attempt, "true", 1)
        self.referee.deliver(answer, self.now)

    @precondition(lambda self: self.sent())
    @rule(choice=CHOICE, digest=st.sampled_from(["true"] * 9 + ["false"]))
    def answer_again(self, choice: int, digest: str) -> None:
        """Any attempt answers, cancelled or accepted long ago as it may be."""
        sent = self.sent()
        page, attempt, worker = sent[choice % len(sent)]
        self.referee.deliver(TileAnswered(page.work.tile, worker, attempt, digest, 1), self.now)

    @precondition(lambda self: self.sent())
    @rule(
        choice=CHOICE,
        kind=st.sampled_from(FailureKind),
        asked_s=st.sampled_from([None, -1.0, 0.0, 2.5, float("inf"), float("nan")]),
    )
    def fail(self, choice: int, kind: FailureKind, asked_s: float | None) -> None:
        """An attempt fails, those in flight twice as often."""
        sent = self.flying() + self.sent()
        page, attempt, worker = sent[choice % len(sent)]
        failed = TileFailed(page.work.tile, worker, attempt, "why", asked_s, kind)
        self.referee.deliver(failed, self.now)

    @rule(worker=WORKERS, tile=st.integers(-1, 20), attempt=st.integers(-1, 9))
    def babble(self, worker: str, tile: int, attempt: int) -> None:
        """Something is said of something, likely nonsense."""
        self.referee.deliver(TileAnswered(tile, worker, attempt, "true", 1), self.now)

    @rule(seconds=st.sampled_from([0.0, 0.01, 0.3, 2.0, 7.0]))
    def wait(self, seconds: float) -> None:
        """Time passes, punctually."""
        until = self.now + seconds
        while self.referee.wake_at is not None and self.referee.wake_at <= until:
            self.now = self.referee.wake_at
            self.referee.deliver(Tick(), self.now)
        self.now = until

    @rule(seconds=st.sampled_from([0.0, 1.0, 40.0]))
    def oversleep(self, seconds: float) -> None:
        """Time passes and nobody wakes the dispatcher until now."""
        self.now += seconds
        self.referee.deliver(Tick(), self.now)

    @precondition(lambda self: len(self.referee.pages) > 10)
    @rule()
    def interrupt(self) -> None:
        """Somebody has had enough."""
        self.referee.deliver(Interrupted(), self.now)

    @invariant()
    def the_books_agree(self) -> None:
        """The dispatcher has in flight what the referee has."""
        if self.referee.outcome is None:
            flying = sum(bool(page.live) for page in self.referee.pages.values())
            assert self.referee.dispatcher._tiles.flying == flying
            assert self.referee.dispatcher._tiles.in_flight_bytes == self.referee.live_bytes
            assert self.referee.dispatcher._fleet.ready == len(self.referee.usable)
            assert self.referee.dispatcher._fleet.slots == self.referee.usable_slots

    def teardown(self) -> None:
        """From wherever it got to, the run ends when no more is heard but the clock."""
        for _ in range(5000):
            if self.referee.wake_at is None or self.referee.outcome is not None:
                break
            self.now = max(self.now, self.referee.wake_at)
            self.referee.deliver(Tick(), self.now)
        assert self.referee.outcome is not None or not self.referee.history


World.TestCase.settings = settings(
    max_examples=150,
    stateful_step_count=60,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking takes minutes, reading one
)
TestWorld = World.TestCase
