"""Hypothesis sends any event, in any order, at any time, and each instruction is checked."""

from __future__ import annotations

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from coordinator.dispatch.instructions import Send
from coordinator.dispatch.limits import Limits
from coordinator.events import (
    FailureKind,
    Interrupted,
    Tick,
    TileAnswered,
    TileComputing,
    TileFailed,
    WorkerLost,
    WorkerReady,
)
from tests.coordinator.dispatch.checked import CheckedDispatcher
from tests.coordinator.dispatch.simulation import even_works

WORKERS = st.sampled_from(["a", "b", "c", "d", "stranger"])
CHOICE = st.integers(0, 1_000_000)


class DispatcherMachine(RuleBasedStateMachine):
    """A dispatcher with a dozen tiles and four workers."""

    def __init__(self) -> None:
        super().__init__()
        limits = Limits(
            bytes_in_flight=4_500_000,
            keep_going=True,
            deadline_base_s=10.0,  # deadlines double: teardown waits for the last of them
            deadline_slack=0.1,
        )
        self.checked = CheckedDispatcher(
            even_works(12), ["a", "b", "c", "d"], limits=limits, seed=1
        )
        self.now = 0.0

    def sent(self) -> list[Send]:
        """Every attempt that was ever sent."""
        return list(self.checked.sent.values())

    def live(self) -> list[Send]:
        """Every attempt that is in flight."""
        return list(self.checked.live.values())

    @rule(worker=WORKERS, slots=st.integers(0, 3))
    def greet(self, worker: str, slots: int) -> None:
        """A worker says it is ready, whether it was asked or not."""
        self.checked.deliver(WorkerReady(worker, slots), self.now)

    @rule(worker=WORKERS, permanent=st.sampled_from([False] * 9 + [True]))
    def lose(self, worker: str, permanent: bool) -> None:
        """A worker is lost."""
        self.checked.deliver(WorkerLost(worker, "gone", permanent), self.now)

    @precondition(lambda self: self.live())
    @rule(choice=CHOICE)
    def answer(self, choice: int) -> None:
        """One of the attempts in flight succeeds."""
        live = self.live()
        send = live[choice % len(live)]
        answer = TileAnswered(send.tile, send.worker, send.attempt, "true", 1)
        self.checked.deliver(answer, self.now)

    @precondition(lambda self: self.sent())
    @rule(choice=CHOICE, digest=st.sampled_from(["true"] * 9 + ["false"]))
    def answer_again(self, choice: int, digest: str) -> None:
        """Any attempt answers, cancelled or accepted long ago as it may be."""
        sent = self.sent()
        send = sent[choice % len(sent)]
        answer = TileAnswered(send.tile, send.worker, send.attempt, digest, 1)
        self.checked.deliver(answer, self.now)

    @precondition(lambda self: self.sent())
    @rule(
        choice=CHOICE,
        kind=st.sampled_from(FailureKind),
        asked_s=st.sampled_from([None, -1.0, 0.0, 2.5, float("inf"), float("nan")]),
    )
    def fail(self, choice: int, kind: FailureKind, asked_s: float | None) -> None:
        """An attempt fails, those in flight twice as often."""
        sent = self.live() + self.sent()
        send = sent[choice % len(sent)]
        failed = TileFailed(send.tile, send.worker, send.attempt, "why", asked_s, kind)
        self.checked.deliver(failed, self.now)

    @rule(worker=WORKERS, tile=st.integers(-1, 20), attempt=st.integers(-1, 9))
    def answer_anything(self, worker: str, tile: int, attempt: int) -> None:
        """An answer comes of any tile and attempt, which may not exist."""
        self.checked.deliver(TileAnswered(tile, worker, attempt, "true", 1), self.now)

    @precondition(lambda self: self.sent())
    @rule(choice=CHOICE, share=st.sampled_from([0.0, 0.5, 1.0]))
    def compute(self, choice: int, share: float) -> None:
        """A worker says that it has a tile, which it may not."""
        sent = self.sent()
        send = sent[choice % len(sent)]
        news = TileComputing(send.tile, send.worker, share)
        self.checked.deliver(news, self.now)

    @rule(seconds=st.sampled_from([0.0, 0.01, 0.3, 2.0, 7.0]))
    def wait(self, seconds: float) -> None:
        """Time passes, and each wake-up comes in time."""
        until = self.now + seconds
        while self.checked.wake_at is not None and self.checked.wake_at <= until:
            self.now = self.checked.wake_at
            self.checked.deliver(Tick(), self.now)
        self.now = until

    @rule(seconds=st.sampled_from([0.0, 1.0, 40.0]))
    def wake_late(self, seconds: float) -> None:
        """Time passes, and no wake-up comes before the end of it."""
        self.now += seconds
        self.checked.deliver(Tick(), self.now)

    @precondition(lambda self: self.checked.pulled > 10)
    @rule()
    def interrupt(self) -> None:
        """The run is interrupted."""
        self.checked.deliver(Interrupted(), self.now)

    @invariant()
    def the_records_agree(self) -> None:
        """The dispatcher has in flight, and at hand, what its instructions and events say."""
        if self.checked.outcome is None:
            tiles, workers = self.checked.dispatcher._tiles, self.checked.dispatcher._workers
            assert tiles.tiles_in_flight == len({send.tile for send in self.checked.live.values()})
            assert workers.ready == len(self.checked.slots)
            assert workers.slots == sum(self.checked.slots.values())

    def teardown(self) -> None:
        """From any state the run ends although nothing but the time is reported."""
        for _ in range(20_000):  # wake-ups, most of them for probes
            if self.checked.wake_at is None or self.checked.outcome is not None:
                break
            self.now = max(self.now, self.checked.wake_at)
            self.checked.deliver(Tick(), self.now)
        assert self.checked.outcome is not None or not self.checked.handled


DispatcherMachine.TestCase.settings = settings(
    max_examples=150,
    stateful_step_count=60,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking takes minutes, reading one
)
TestDispatcher = DispatcherMachine.TestCase
