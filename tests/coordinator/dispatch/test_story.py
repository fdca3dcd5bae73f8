"""The story of a tile, as the dispatcher tells it."""

from __future__ import annotations

from coordinator.dispatch.instructions import Send
from coordinator.dispatch.policy import Limits
from coordinator.dispatch.tile_table import CLOSED_STORIES, STORY_EVENTS, TileSignal
from coordinator.events import FailureKind, TileStored
from tests.coordinator.dispatch.test_dispatcher import Desk, of, slow_tail


def words(desk: Desk, tile: int) -> list[tuple[str, str]]:
    """Return what happened to a tile, each with the worker."""
    return [(event.what, event.worker) for event in desk.checked.dispatcher.story(tile)]


def test_a_tile_that_failed_has_its_whole_story() -> None:
    """Each attempt, its reason and what followed, with times; the outcome has it in lines."""
    desk = Desk(1, "a", "b", limits=Limits(attempts=2))
    (send,) = of(Send, desk.ready("a", "b"))
    desk.now = 1.0
    desk.fail(send)
    (send,) = of(Send, desk.sleep(1.0))
    desk.fail(send, FailureKind.TIMEOUT)
    assert words(desk, 0) == [
        ("sent", "a"),
        ("failed", "a"),
        ("retry scheduled", ""),
        ("retry due", ""),
        ("sent", "b"),
        ("failed", "b"),
        ("given up", ""),
    ]
    story = desk.checked.dispatcher.story(0)
    assert [event.reason for event in story if event.what == TileSignal.ATTEMPT_FAILED] == [
        "broken: broken at a",
        "timeout: timeout at b",
    ]
    times_s = [event.time_s for event in story]
    assert times_s[:3] == [0.0, 1.0, 1.0]
    assert times_s == sorted(times_s)
    assert desk.outcome.failed[0].story == tuple(story)
    assert desk.outcome.story[1] == "tile 0, +1.000 s: failed, a: broken: broken at a"
    assert len(desk.outcome.story) == len(story)


def test_a_run_that_is_done_has_no_story_to_tell() -> None:
    """Only of tiles that failed."""
    desk = Desk(1, "a")
    desk.work_off(of(Send, desk.ready("a")))
    assert desk.outcome.story == ()


def test_a_hedge_and_its_end_are_told() -> None:
    """The loser is cancelled, the winner accepted."""
    desk = Desk(3, "a", "b")
    _, hedge = slow_tail(desk)
    desk.answer(hedge)
    assert words(desk, hedge.tile) == [
        ("sent", "a"),
        ("hedged", "b"),
        ("cancelled", "a"),
        ("accepted", "b"),
    ]


def test_the_sink_and_a_busy_worker_are_told() -> None:
    """Being turned away is a failure of the attempt, and none of the tile."""
    desk = Desk(2, "a", awaits_stores=True)
    (send,) = of(Send, desk.ready("a"))
    desk.fail(send, FailureKind.BUSY, asked_s=1.0)
    (send,) = of(Send, desk.sleep(1.0))
    desk.answer(send)
    desk.tell(TileStored(0, "a", 1))
    assert [what for what, _ in words(desk, 0)] == [
        "sent",
        "failed",
        "requeued",
        "sent",
        "accepted",
        "stored",
    ]


def test_a_tile_that_was_not_sent_has_no_story() -> None:
    """Nor has one that does not exist."""
    desk = Desk(2, "a")
    desk.ready("a")
    assert words(desk, 1) == words(desk, 99) == []


def test_the_memory_is_bounded() -> None:
    """The latest events of a tile, and the latest of the accepted tiles."""
    desk = Desk(CLOSED_STORIES + 3, "a")
    (send,) = of(Send, desk.ready("a"))
    for _ in range(STORY_EVENTS):
        desk.fail(send, FailureKind.BUSY, asked_s=0.1)
        (send,) = of(Send, desk.sleep(0.2))
    assert len(words(desk, 0)) == STORY_EVENTS
    sends = [send]
    for _ in range(CLOSED_STORIES + 1):
        sends = of(Send, desk.answer(sends[0]))
    assert words(desk, 0) == []
    assert words(desk, 1) == [("sent", "a"), ("accepted", "a")]
