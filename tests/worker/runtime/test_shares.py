"""Shares of a worker, in simulated time: who gets the slots, and that none stays free."""

from __future__ import annotations

import heapq
import itertools
import random
from collections import Counter
from dataclasses import dataclass

import pytest

from worker.runtime import shares
from worker.runtime.shares import ARREARS_S, FORGOTTEN_S, RETRY_S, RUNS, SLACK_S, WAITS_S, Shares


@dataclass(frozen=True)
class Client:
    """A run that asks over so many connections, for tiles of so many seconds, from a time on."""

    run: str
    connections: int
    tile_s: float
    begins_s: float = 0.0
    tiles: int = 10**9


class Worker:
    """A worker in simulated time."""

    def __init__(self, slots: int) -> None:
        self.shares = Shares(slots)
        self.slots = slots
        self.busy = 0
        self.computed_s: Counter[str] = Counter()
        self.ended_s: dict[str, float] = {}
        self.slot_seconds_free = 0.0

    def serve(self, clients: list[Client], until_s: float) -> None:
        """Let every connection ask, compute or be turned away, and ask again."""
        rng, order = random.Random(0), itertools.count()
        left = {client.run: client.tiles for client in clients}
        events = [
            (client.begins_s + rng.random() * 0.01, next(order), client, False)
            for client in clients
            for _ in range(client.connections)
        ]
        heapq.heapify(events)
        before = 0.0
        while events and events[0][0] < until_s:
            now, _, client, computed = heapq.heappop(events)
            self.slot_seconds_free += (self.slots - self.busy) * (now - before)
            before = now
            if computed:
                self.busy -= 1
                self.shares.finished(client.run, client.tile_s, now)
                self.computed_s[client.run] += client.tile_s
                self.ended_s[client.run] = now
                heapq.heappush(events, (now + 0.001, next(order), client, False))
            elif not left[client.run]:
                continue
            elif self.shares.admits(client.run, now, is_free=self.busy < self.slots):
                left[client.run] -= 1
                self.busy += 1
                heapq.heappush(events, (now + client.tile_s, next(order), client, True))
            else:
                again_s = now + RETRY_S * rng.uniform(0.9, 1.3)
                heapq.heappush(events, (again_s, next(order), client, False))


@pytest.mark.parametrize("slots", [1, 3, 9])
@pytest.mark.parametrize("tiles_s", [(1.0, 1.0), (0.2, 2.0), (2.0, 0.2)], ids=str)
def test_seconds_are_shared_not_connections(slots: int, tiles_s: tuple[float, float]) -> None:
    """Many connections against enough: the same seconds, whatever a tile takes."""
    worker = Worker(slots)
    few = slots + 1
    worker.serve([Client("a", 8 * few, tiles_s[0]), Client("b", few, tiles_s[1])], 400)
    assert worker.computed_s["a"] == pytest.approx(worker.computed_s["b"], rel=0.1)
    assert worker.slot_seconds_free < 0.2 * 400 * slots


def test_three_runs_share_too() -> None:
    """Each of three gets a third."""
    worker = Worker(3)
    worker.serve([Client(run, n, 0.7) for run, n in (("a", 30), ("b", 8), ("c", 4))], 400)
    for run in "abc":
        assert worker.computed_s[run] == pytest.approx(400, rel=0.12)


def test_a_small_job_gets_through() -> None:
    """Beside a large one it takes little more than twice as long as alone, and a tile's time."""
    worker = Worker(3)
    worker.serve([Client("large", 24, 1.0), Client("small", 6, 1.0, 100.0, tiles=12)], 200)
    assert worker.ended_s["small"] - 100 < 2 * 4 + 2


def test_a_newcomer_does_not_starve_the_others() -> None:
    """It shares from now on, whatever the others have used before."""
    worker = Worker(3)
    worker.serve([Client("old", 9, 1.0), Client("new", 9, 1.0, 500.0)], 600)
    new_s = worker.computed_s["new"]
    assert new_s == pytest.approx(150, rel=0.1)


def test_what_was_not_asked_for_is_not_owed() -> None:
    """A run that was content with one slot for long, and then wants all, gets its share."""
    worker = Worker(4)
    modest = [Client("modest", 1, 1.0), Client("modest", 8, 1.0, 300.0)]
    worker.serve([Client("busy", 12, 1.0), *modest], 300)
    before = worker.computed_s["busy"]
    worker = Worker(4)
    worker.serve([Client("busy", 12, 1.0), *modest], 400)
    assert worker.computed_s["busy"] - before > 4 * 100 / 2 - 4 * ARREARS_S


def test_who_does_not_come_back_keeps_nothing() -> None:
    """A slot is kept for as long as a run was told to stay away, and a little longer."""
    table = Shares(3)
    assert table.admits("a", 0.0, is_free=True)
    table.finished("a", 5.0, 5.0)
    assert table.admits("a", 5.0, is_free=True)
    assert not table.admits("b", 5.0, is_free=False)
    assert table.waiting(5.5, 16) == [("b", 0.5)]
    assert not table.admits("a", 5.0 + RETRY_S, is_free=True)
    assert table.admits("a", 5.0 + RETRY_S + SLACK_S + 0.01, is_free=True)
    assert table.waiting(6.0, 16) == [("b", 1.0)]
    assert table.admits("b", 6.0, is_free=True)
    assert table.waiting(6.0, 16) == []


def test_who_comes_back_has_the_slot() -> None:
    """Then who has used more may take the next one."""
    table = Shares(3)
    assert table.admits("a", 0.0, is_free=True)
    table.finished("a", 5.0, 5.0)
    assert table.admits("a", 5.0, is_free=True)
    assert not table.admits("b", 5.0, is_free=False)
    assert table.admits("b", 5.0 + RETRY_S, is_free=True)
    assert table.admits("a", 5.0 + RETRY_S, is_free=True)


def test_who_has_no_memory_claims_too() -> None:
    """A run that was admitted and then refused is before others when it comes back."""
    table = Shares(3)
    assert table.admits("a", 0.0, is_free=True)
    table.finished("a", 5.0, 5.0)
    assert table.admits("a", 5.0, is_free=True)
    assert table.admits("b", 5.0, is_free=True)
    table.turned_away("b", 5.0)
    table.finished("b", 0.0, 5.0)
    assert not table.admits("a", 5.0 + RETRY_S / 2, is_free=True)
    assert table.admits("b", 5.0 + RETRY_S, is_free=True)


def test_waiting_ends() -> None:
    """A run that asks no more waits no more; the longest are told of first."""
    table = Shares(3)
    for number in range(20):
        table.admits(f"{number}", number * 0.01, is_free=False)
    told = table.waiting(0.2, 16)
    assert len(told) == 16
    assert told[0] == ("0", 0.2)
    assert table.waiting(0.2 + WAITS_S, 16) == []


def test_memory_is_bounded() -> None:
    """Runs are forgotten when they are idle, and when there are too many; not those with slots."""
    table = Shares(3)
    assert table.admits("kept", 0.0, is_free=True)
    for number in range(3 * RUNS):
        assert not table.admits(f"{number}", 0.001 * number, is_free=False)
        assert len(table) <= RUNS
    assert not table.admits("last", 100.0 + FORGOTTEN_S, is_free=False)
    assert len(table) == 2
    table.finished("kept", 1.0, 200.0)


def test_constants_keep_the_promise() -> None:
    """The slack is what the protocol promises at most."""
    assert shares.SLACK_S <= 0.25
    assert shares.RETRY_S == 0.05
