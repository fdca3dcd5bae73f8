"""The story of a tile."""

from __future__ import annotations

import doctest

from coordinator.dispatch import story
from coordinator.dispatch.instructions import Send
from coordinator.dispatch.limits import Limits
from coordinator.dispatch.tile_table import CLOSED_STORIES, STORY_EVENTS, TileSignal
from coordinator.events import FailureKind, TileStored
from tests.coordinator.dispatch.test_dispatcher import Harness, of, slow_tail


def words(harness: Harness, tile: int) -> list[tuple[str, str]]:
    """Return what happened to a tile, each with the worker."""
    return [(event.what, event.worker) for event in harness.checked.dispatcher.story(tile)]


def test_the_examples_run() -> None:
    """The docstring has the form of a line."""
    results = doctest.testmod(story)
    assert results.attempted > 0
    assert results.failed == 0


def test_a_tile_that_failed_has_its_whole_story() -> None:
    """Each attempt, its reason and what followed, with times; the outcome has it in lines."""
    harness = Harness(1, "a", "b", limits=Limits(attempts=2))
    (send,) = of(Send, harness.ready("a", "b"))
    harness.now = 1.0
    harness.fail(send)
    (send,) = of(Send, harness.sleep(1.0))
    harness.fail(send, FailureKind.TIMEOUT)
    assert words(harness, 0) == [
        ("sent", "a"),
        ("failed", "a"),
        ("retry scheduled", ""),
        ("retry due", ""),
        ("sent", "b"),
        ("failed", "b"),
        ("given up", ""),
    ]
    events = harness.checked.dispatcher.story(0)
    assert [event.reason for event in events if event.what == TileSignal.ATTEMPT_FAILED] == [
        "broken: broken at a",
        "timeout: timeout at b",
    ]
    times_s = [event.time_s for event in events]
    assert times_s[:3] == [0.0, 1.0, 1.0]
    assert times_s == sorted(times_s)
    assert harness.outcome.failed[0].story == tuple(events)
    assert harness.outcome.story[1] == "tile 0, +1.000 s: failed, a: broken: broken at a"
    assert len(harness.outcome.story) == len(events)


def test_a_run_that_is_done_has_no_story() -> None:
    """Only of tiles that failed."""
    harness = Harness(1, "a")
    harness.answer_all(of(Send, harness.ready("a")))
    assert harness.outcome.story == ()


def test_a_hedge_and_its_end_are_recorded() -> None:
    """The loser is cancelled, the winner accepted."""
    harness = Harness(3, "a", "b")
    _, hedge = slow_tail(harness)
    harness.answer(hedge)
    assert words(harness, hedge.tile) == [
        ("sent", "a"),
        ("hedged", "b"),
        ("cancelled", "a"),
        ("accepted", "b"),
    ]


def test_the_sink_and_a_busy_worker_are_recorded() -> None:
    """That a worker is busy fails the attempt, not the tile."""
    harness = Harness(2, "a", awaits_stores=True)
    (send,) = of(Send, harness.ready("a"))
    harness.fail(send, FailureKind.BUSY, asked_s=1.0)
    (send,) = of(Send, harness.sleep(1.0))
    harness.answer(send)
    harness.tell(TileStored(0, "a", 1))
    assert [what for what, _ in words(harness, 0)] == [
        "sent",
        "failed",
        "requeued",
        "sent",
        "accepted",
        "stored",
    ]


def test_a_tile_that_was_not_sent_has_no_story() -> None:
    """Nor has one that does not exist."""
    harness = Harness(2, "a")
    harness.ready("a")
    assert words(harness, 1) == words(harness, 99) == []


def test_the_memory_is_bounded() -> None:
    """The latest events of a tile, and the latest of the accepted tiles."""
    harness = Harness(CLOSED_STORIES + 3, "a")
    (send,) = of(Send, harness.ready("a"))
    for _ in range(STORY_EVENTS):
        harness.fail(send, FailureKind.BUSY, asked_s=0.1)
        (send,) = of(Send, harness.sleep(0.2))
    assert len(words(harness, 0)) == STORY_EVENTS
    sends = [send]
    for _ in range(CLOSED_STORIES + 1):
        sends = of(Send, harness.answer(sends[0]))
    assert words(harness, 0) == []
    assert words(harness, 1) == [("sent", "a"), ("accepted", "a")]
