"""Each property of the dispatcher on its own; every step is checked and validated."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import pytest

from coordinator.dispatch.instructions import (
    Accept,
    Cancel,
    Finish,
    Instruction,
    Probe,
    Send,
    Tell,
    WakeAt,
)
from coordinator.dispatch.limits import Limits
from coordinator.errors import ExitCode
from coordinator.events import (
    FailureKind,
    FleetAwaited,
    Interrupted,
    RunFinished,
    Tick,
    TileAnswered,
    TileFailed,
    TileGivenUp,
    TileHedged,
    TileRetried,
    TileStored,
    WorkerBack,
    WorkerEjected,
    WorkerLost,
    WorkerReady,
)
from tests.coordinator.dispatch.checked import CheckedDispatcher
from tests.coordinator.dispatch.simulation import even_works

if TYPE_CHECKING:
    from coordinator.dispatch.outcome import Outcome
    from coordinator.events import Event

T = TypeVar("T")


class Harness:
    """A checked dispatcher, and a clock that the test moves."""

    def __init__(
        self,
        tiles: int,
        *workers: str,
        limits: Limits | None = None,
        awaits_stores: bool = False,
    ) -> None:
        self.checked = CheckedDispatcher(
            even_works(tiles),
            workers,
            limits=limits or Limits(),
            seed=1,
            awaits_stores=awaits_stores,
        )
        self.now = 0.0
        self.instructions: list[Instruction] = []

    def tell(self, *events: Event) -> list[Instruction]:
        """Deliver events now; return all instructions."""
        self.instructions = [
            each for event in events for each in self.checked.deliver(event, self.now)
        ]
        return self.instructions

    def ready(self, *workers: str, slots: int = 1) -> list[Instruction]:
        """Let workers answer the greeting."""
        return self.tell(*(WorkerReady(worker, slots) for worker in workers))

    def sleep(self, seconds: float) -> list[Instruction]:
        """Let time pass, waking the dispatcher whenever it asked for it."""
        until, instructions = self.now + seconds, []
        while self.checked.wake_at is not None and self.checked.wake_at <= until:
            self.now = self.checked.wake_at
            instructions += self.tell(Tick())
        self.now, self.instructions = until, instructions
        return instructions

    def answer(self, send: Send, digest: str = "same") -> list[Instruction]:
        """Let an attempt succeed."""
        return self.tell(TileAnswered(send.tile, send.worker, send.attempt, digest, 1))

    def fail(
        self, send: Send, kind: FailureKind = FailureKind.BROKEN, asked_s: float | None = None
    ) -> list[Instruction]:
        """Let an attempt fail."""
        reason = f"{kind.value} at {send.worker}"
        return self.tell(TileFailed(send.tile, send.worker, send.attempt, reason, asked_s, kind))

    def answer_all(self, sends: list[Send]) -> list[Send]:
        """Answer these and all that follow; return what was answered."""
        done = []
        while sends:
            done.append(sends.pop(0))
            sends += of(Send, self.answer(done[-1]))
        return done

    @property
    def outcome(self) -> Outcome:
        """The outcome of a run that is over."""
        assert self.checked.outcome is not None
        return self.checked.outcome


def of(kind: type[T], instructions: list[Instruction]) -> list[T]:
    """Return the instructions, or the events to tell, of one kind."""
    facts = [each.event if isinstance(each, Tell) else each for each in instructions]
    return [fact for fact in facts if isinstance(fact, kind)]


# The plain run


def test_a_run_without_tiles_is_done_at_once() -> None:
    """Resuming a finished run needs no worker."""
    harness = Harness(0, "a")
    assert of(Finish, harness.tell(Tick()))
    assert harness.outcome.done


def test_every_tile_goes_out_once_and_comes_back() -> None:
    """Two workers, five tiles, nothing happens."""
    harness = Harness(5, "a", "b")
    done = harness.answer_all(of(Send, harness.ready("a", "b", slots=2)))
    assert sorted(send.tile for send in done) == [0, 1, 2, 3, 4]
    assert {send.worker for send in done} == {"a", "b"}
    assert harness.outcome.done


def test_tiles_are_pulled_only_for_free_slots() -> None:
    """Of a million tiles, three are known."""
    harness = Harness(1_000_000, "a", "b")
    assert len(of(Send, harness.ready("a", slots=3))) == 3
    assert harness.checked.pulled == 3


def test_bytes_in_flight_stay_under_the_budget() -> None:
    """Ten slots are free; the budget has room for two tiles."""
    harness = Harness(5, "a", limits=Limits(bytes_in_flight=2_500_000))
    sends = of(Send, harness.ready("a", slots=10))
    assert len(sends) == 2
    assert len(of(Send, harness.answer(sends[0]))) == 1


def test_a_slow_sink_slows_the_fleet_instead_of_filling_memory() -> None:
    """An accepted answer counts as in flight until it is stored, where stores are reported."""
    harness = Harness(9, "a", limits=Limits(bytes_in_flight=2_400_000), awaits_stores=True)
    first, _ = of(Send, harness.ready("a", slots=10))
    assert not of(Send, harness.answer(first))
    assert len(of(Send, harness.tell(TileStored(first.tile, "a", 1)))) == 1


def test_no_instruction_follows_the_end() -> None:
    """Whatever still arrives."""
    harness = Harness(1, "a")
    (send,) = of(Send, harness.ready("a"))
    harness.answer(send)
    assert harness.tell(Tick(), WorkerLost("a", "gone"), Interrupted()) == []
    assert harness.answer(send) == []


def test_what_is_not_known_changes_nothing() -> None:
    """Unknown tiles, attempts and workers; wrong pairs; events of other kinds."""
    harness = Harness(2, "a", "b")
    (send,) = of(Send, harness.ready("a"))
    instructions = harness.tell(
        TileAnswered(99, "a", 1, "x", 1),
        TileAnswered(send.tile, "a", 7, "x", 1),
        TileAnswered(send.tile, "b", send.attempt, "x", 1),
        TileAnswered(send.tile, "zoe", send.attempt, "x", 1),
        TileFailed(99, "a", 1, "?"),
        TileFailed(send.tile, "b", send.attempt, "?"),
        WorkerLost("zoe", "who?"),
        RunFinished(),
    )
    assert instructions == []
    assert of(Accept, harness.answer(send))


# Retries


def test_a_failed_tile_is_retried_elsewhere_after_a_pause() -> None:
    """Backoff, another worker, the next attempt number."""
    harness = Harness(1, "a", "b")
    (send,) = of(Send, harness.ready("a", "b"))
    (retried,) = of(TileRetried, harness.fail(send))
    assert 0 <= retried.after_s <= 0.2
    assert not of(Send, harness.instructions)
    (again,) = of(Send, harness.sleep(0.2))
    assert (again.tile, again.worker, again.attempt) == (send.tile, "b", 2)


def test_a_tile_that_three_workers_fail_is_given_up() -> None:
    """Exit 4, naming tile, workers and reasons."""
    harness = Harness(1, "a", "b", "c", "d")
    (send,) = of(Send, harness.ready("a", "b", "c", "d"))
    for _ in range(2):
        harness.fail(send)
        (send,) = of(Send, harness.sleep(1.0))
    harness.fail(send)
    assert harness.outcome.exit_code == ExitCode.FAILED
    assert harness.outcome.message.startswith("tile 0: a: broken at a; ")
    assert len({failure.worker for failure in harness.outcome.failed[0].failures}) == 3


def test_one_worker_gets_five_attempts() -> None:
    """Alone, it is asked again and again, and never ejected."""
    harness = Harness(1, "a")
    (send,) = of(Send, harness.ready("a"))
    for attempt in range(2, 6):
        assert not of(WorkerEjected, harness.fail(send))
        (send,) = of(Send, harness.sleep(20.0))
        assert send.attempt == attempt
    harness.fail(send)
    assert harness.outcome.exit_code == ExitCode.FAILED
    assert len(harness.outcome.failed[0].failures) == 5


def test_keep_going_finishes_the_rest() -> None:
    """Exit 4 all the same, with the list, after everything else is done."""
    harness = Harness(4, "a", limits=Limits(attempts=1, keep_going=True))
    sends = of(Send, harness.ready("a", slots=2))
    assert of(TileGivenUp, harness.fail(sends[1]))
    harness.answer_all([sends[0], *of(Send, harness.instructions)])
    assert harness.outcome.exit_code == ExitCode.FAILED
    assert [failed.tile for failed in harness.outcome.failed] == [1]
    assert len(harness.checked.accepted) == 3


def test_one_bad_tile_is_enough_to_stop() -> None:
    """A worker takes two last attempts with it: the first one ends the run."""
    harness = Harness(4, "a", limits=Limits(attempts=1))
    harness.ready("a", slots=2)
    instructions = harness.tell(WorkerLost("a", "silent"))
    assert len(of(TileGivenUp, instructions)) == len(harness.outcome.failed) == 1
    assert len(of(Cancel, instructions)) == 2


def test_back_pressure_is_honoured_and_is_no_failure() -> None:
    """A busy worker gets nothing until its time, and the tile keeps its attempts."""
    harness = Harness(1, "a", limits=Limits(attempts=1))
    (send,) = of(Send, harness.ready("a"))
    for _ in range(10):
        harness.fail(send, FailureKind.BUSY, asked_s=3.0)
        assert not of(Send, harness.sleep(2.9))
        (send,) = of(Send, harness.sleep(0.2))
    harness.answer(send)
    assert harness.outcome.done


def test_a_refused_connection_costs_the_tile_nothing() -> None:
    """The worker is lost and probed; the tile goes to the next at once."""
    harness = Harness(1, "a", "b", limits=Limits(attempts=1))
    (send,) = of(Send, harness.ready("a", "b"))
    (again,) = of(Send, harness.fail(send, FailureKind.UNREACHED))
    assert again.worker == "b"
    assert Probe("a") in harness.sleep(1.0)


def test_retries_wait_for_the_budget() -> None:
    """Ten free retries, then one a second: so a failing fleet gets few requests."""
    limits = Limits(attempts=1000, faulty_workers=1000, eject_failures=1000, backoff_base_s=0.0)
    harness = Harness(1, "a", limits=limits)
    (send,) = of(Send, harness.ready("a"))
    for _ in range(10):
        harness.fail(send)
        (send,) = of(Send, harness.instructions)
    harness.fail(send)
    assert not of(Send, harness.instructions)
    assert not of(Send, harness.sleep(0.99))
    assert of(Send, harness.sleep(0.02))


def test_successes_pay_for_retries() -> None:
    """With the bucket empty and the clock stopped, about ten answers allow one more attempt."""
    limits = Limits(attempts=1000, faulty_workers=1000, eject_failures=1000, backoff_base_s=0.0)
    harness = Harness(100, "a", limits=limits)
    first, *fresh = of(Send, harness.ready("a", slots=3))
    send = first
    while send.tile == first.tile:
        harness.fail(send)
        (send,) = of(Send, harness.instructions)
    fresh.append(send)
    done = 0
    while fresh[-1].tile != first.tile:
        fresh += of(Send, harness.answer(fresh.pop(0)))
        done += 1
    assert 10 <= done <= 11


# Hedges


def slow_tail(harness: Harness, *, digest: str = "same") -> tuple[Send, Send]:
    """Leave one tile in flight until it is hedged; return both attempts."""
    first, *rest = of(Send, harness.ready("a", "b"))
    for send in rest:
        harness.answer(send, digest)
        rest += of(Send, harness.instructions)
    (hedge,) = of(Send, harness.sleep(2.1))
    assert (hedge.tile, hedge.hedge, hedge.worker) == (first.tile, True, "b")
    return first, hedge


def test_a_late_tile_is_hedged_and_the_loser_cancelled() -> None:
    """While little is known, late is two seconds."""
    harness = Harness(3, "a", "b")
    first, hedge = slow_tail(harness)
    assert [event.to for event in of(TileHedged, harness.instructions)] == ["b"]
    assert harness.answer(hedge)[:2] == [
        Accept(hedge.tile, "b", hedge.attempt),
        Cancel(first.tile, "a", first.attempt),
    ]
    assert harness.outcome.done


def test_the_first_attempt_may_still_win() -> None:
    """Then the hedge is cancelled."""
    harness = Harness(3, "a", "b")
    first, hedge = slow_tail(harness)
    assert Cancel(hedge.tile, "b", hedge.attempt) in harness.answer(first)


def test_a_hedge_that_fails_leaves_the_first_alone() -> None:
    """No retry while the other attempt is in flight."""
    harness = Harness(3, "a", "b")
    first, hedge = slow_tail(harness)
    assert not of(TileRetried, harness.fail(hedge))
    assert of(Accept, harness.answer(first))


@pytest.mark.parametrize("loser_answers", ["same", "other"])
def test_late_answers_must_have_the_same_bits(loser_answers: str) -> None:
    """Two workers, two answers: if they differ, the run stops and names both."""
    harness = Harness(20, "a", "b")
    first, hedge = of(Send, harness.ready("a", "b"))
    while not hedge.hedge:
        harness.now += 0.2
        (hedge,) = of(Send, harness.answer(hedge))
    harness.answer(hedge)
    harness.answer(first, loser_answers)
    if loser_answers == "same":
        assert harness.checked.outcome is None
        return
    assert harness.outcome.exit_code == ExitCode.DIFFERENT_BITS
    assert {worker for worker, _ in harness.outcome.hosts} == {"a", "b"}


# Workers


def test_a_worker_is_ejected_probed_and_in_use_again_until_its_next_failure() -> None:
    """Three failures, a probe; one more failure is enough then."""
    harness = Harness(100, "a", "b", limits=Limits(faulty_workers=9, attempts=9))
    sends = of(Send, harness.ready("a", "b", slots=4))
    failed = [send for send in sends if send.worker == "a"][:3]
    for send in failed:
        harness.fail(send)
    (ejected,) = of(WorkerEjected, harness.instructions)
    assert ejected.worker == "a"
    assert Probe("a") in harness.sleep(ejected.pause_s)
    back = harness.ready("a", slots=4)
    assert of(WorkerBack, back)
    (send, *_) = [each for each in of(Send, back) if each.worker == "a"]
    (again,) = of(WorkerEjected, harness.fail(send))
    assert again.pause_s > ejected.pause_s


def test_a_greeting_that_nobody_asked_for_does_not_end_an_ejection() -> None:
    """Only the answer to a probe does."""
    harness = Harness(100, "a", "b", limits=Limits(faulty_workers=9, attempts=9))
    for send in [each for each in of(Send, harness.ready("a", "b", slots=3)) if each.worker == "a"]:
        harness.fail(send)
    assert of(WorkerEjected, harness.instructions)
    assert not of(Send, harness.ready("a", slots=3))


def test_a_lost_worker_gives_back_its_tiles() -> None:
    """They are cancelled there and sent elsewhere."""
    harness = Harness(2, "a", "b")
    sends = of(Send, harness.ready("a", slots=2))
    harness.ready("b", slots=2)
    instructions = harness.tell(WorkerLost("a", "silent"))
    assert len(of(Cancel, instructions)) == 2
    again = of(Send, harness.sleep(0.3))
    assert {(send.tile, send.worker) for send in again} == {(s.tile, "b") for s in sends}


def test_a_late_answer_of_a_lost_worker_still_counts() -> None:
    """It is valid, whoever has lost the worker."""
    harness = Harness(1, "a", "b")
    (send,) = of(Send, harness.ready("a"))
    harness.tell(WorkerLost("a", "silent"))
    assert of(Accept, harness.answer(send))
    assert harness.outcome.done


def test_a_worker_that_joins_late_is_found() -> None:
    """It was unreachable at the start; probes grow rarer but go on."""
    harness = Harness(9, "a", "b")
    harness.ready("a")
    harness.tell(WorkerLost("b", "connection refused"))
    for _ in range(6):
        assert Probe("b") in harness.sleep(15.0)
        harness.tell(WorkerLost("b", "connection refused"))
    assert [send.worker for send in of(Send, harness.ready("b"))] == ["b"]


def test_bad_news_that_is_repeated_does_not_put_off_the_probe() -> None:
    """A heartbeat may report a dead worker every second."""
    harness = Harness(9, "a", "b")
    harness.ready("a")
    probes = 0
    for _ in range(60):
        harness.tell(WorkerLost("b", "silent"))
        probes += len(of(Probe, harness.sleep(1.0)))
    assert 5 <= probes <= 12


def test_a_greeting_that_is_not_answered_is_repeated() -> None:
    """An engine that does not report does not lose the worker."""
    harness = Harness(9, "a", "b")
    harness.ready("a")
    assert Probe("b") in harness.sleep(5.0)
    assert Probe("b") in harness.sleep(5.0)


def test_an_unfit_worker_is_left_out_for_good() -> None:
    """It is not probed, and its greetings are ignored."""
    harness = Harness(9, "a", "b")
    harness.ready("a")
    harness.tell(WorkerLost("b", "version 2", permanent=True))
    assert not of(Probe, harness.sleep(20.0))
    assert not of(Send, harness.ready("b"))


def test_no_usable_worker_is_exit_3() -> None:
    """Each host is named with its reason; if all are unfit there is nothing to wait for."""
    harness = Harness(9, "a", "b")
    harness.tell(WorkerLost("a", "version 2", permanent=True))
    harness.tell(WorkerLost("b", "bad token", permanent=True))
    assert harness.outcome.exit_code == ExitCode.NO_WORKER
    assert harness.outcome.hosts == (("a", "version 2"), ("b", "bad token"))


def test_a_lost_fleet_is_exit_4_after_a_while() -> None:
    """It is given time for a restart, and no more."""
    harness = Harness(9, "a", "b")
    harness.ready("a")
    lost = harness.tell(WorkerLost("b", "connection refused"), WorkerLost("a", "silent"))
    assert of(FleetAwaited, lost) == [FleetAwaited(30.0)]
    assert not of(FleetAwaited, harness.sleep(29.0))
    assert harness.checked.outcome is None
    harness.sleep(1.1)
    assert harness.outcome.exit_code == ExitCode.FAILED
    assert harness.outcome.message == "the fleet was lost: a: silent; b: connection refused"


def test_a_worker_that_was_not_reached_is_named_before_anybody_waits() -> None:
    """Its tile says so first: that it is lost is told at once, and then that the fleet is."""
    harness = Harness(9, "a")
    (send, *_) = of(Send, harness.ready("a"))
    told = [type(each) for each in of(object, harness.fail(send, FailureKind.UNREACHED))]
    assert told.index(WorkerLost) < told.index(FleetAwaited)


def test_when_the_last_one_goes_an_ejected_one_is_asked_at_once() -> None:
    """A worker that fails is better than none."""
    harness = Harness(100, "a", "b", limits=Limits(faulty_workers=9, attempts=9))
    for send in [each for each in of(Send, harness.ready("a", "b", slots=3)) if each.worker == "a"]:
        harness.fail(send)
    assert Probe("a") in harness.tell(WorkerLost("b", "silent"))
    assert of(Send, harness.ready("a", slots=3) + harness.sleep(1.0))


def test_slots_may_change() -> None:
    """A second greeting with more slots fills them; without any, the worker is lost."""
    harness = Harness(9, "a")
    assert len(of(Send, harness.ready("a", slots=1))) == 1
    assert len(of(Send, harness.ready("a", slots=3))) == 2
    assert len(of(Cancel, harness.ready("a", slots=0))) == 3


# Time, and the end


def test_an_attempt_that_is_never_answered_is_cancelled() -> None:
    """At its deadline; the next one has twice as long."""
    harness = Harness(1, "a")
    (send,) = of(Send, harness.ready("a"))
    assert not of(Cancel, harness.sleep(send.deadline_s - 0.1))
    instructions = harness.sleep(0.2)
    assert of(Cancel, instructions) == [Cancel(0, "a", 1)]
    (again,) = of(Send, instructions)
    assert again.deadline_s == 2 * send.deadline_s


def test_an_interruption_cancels_and_keeps() -> None:
    """Stop sending at once, with the code that the signal asks for."""
    harness = Harness(9, "a")
    sends = of(Send, harness.ready("a", slots=2))
    harness.answer(sends[0])
    instructions = harness.tell(Interrupted(143))
    assert len(of(Cancel, instructions)) == 2
    assert harness.outcome.exit_code == 143
    assert len(harness.checked.accepted) == 1


def test_a_wake_up_is_asked_for_once() -> None:
    """Not again with every event."""
    harness = Harness(100, "a")
    instructions = harness.ready("a")
    assert len(of(WakeAt, instructions)) == 1
    for _ in range(20):
        (send,) = of(Send, harness.instructions)
        assert not of(WakeAt, harness.answer(send))
