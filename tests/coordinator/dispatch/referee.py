"""A second opinion on every instruction: what a dispatcher must never do, whatever it is told.

The referee stands between a dispatcher and the world. It keeps books of its own, made only from
the events it passes on and the instructions it gets back, and raises `FoulError` at the first
broken promise.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

from coordinator.dispatch.dispatcher import Dispatcher
from coordinator.dispatch.instructions import (
    Accept,
    Cancel,
    Finish,
    Probe,
    Send,
    Tell,
    WakeAt,
    Work,
)
from coordinator.dispatch.outcome import ExitCode, Outcome
from coordinator.dispatch.policy import Limits
from coordinator.events import (
    FailureKind,
    TileAnswered,
    TileFailed,
    TileGivenUp,
    TileStored,
    WorkerEjected,
    WorkerLost,
    WorkerReady,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from coordinator.dispatch.instructions import Instruction
    from coordinator.events import Event

Key = tuple[int, int]


class FoulError(AssertionError):
    """The dispatcher broke a promise."""


def require(promise: bool, words: str, *about: object) -> None:
    """Raise `FoulError` unless the promise is kept."""
    if not promise:
        raise FoulError(" ".join([words, *map(str, about)]))


@dataclass(slots=True)
class Host:
    """A worker as the referee sees it."""

    slots: int = 0
    usable: bool = False
    ejected: bool = False
    probed: bool = False
    barred: bool = False
    paused_until: float = -1.0
    held: set[Key] = field(default_factory=set)


@dataclass(slots=True)
class Page:
    """A tile as the referee sees it."""

    work: Work
    sends: dict[int, str] = field(default_factory=dict)
    live: dict[int, str] = field(default_factory=dict)
    turned_away: int = 0
    failed_at: set[str] = field(default_factory=set)
    owes: bool = False
    digest: str | None = None
    winner: int = 0
    given_up: bool = False

    @property
    def closed(self) -> bool:
        """Whether the tile has its end."""
        return self.digest is not None or self.given_up


class Referee:
    """Passes events to a dispatcher of its own making and checks what comes back."""

    def __init__(
        self,
        works: Sequence[Work],
        workers: Sequence[str],
        *,
        limits: Limits,
        seed: int,
        record: bool = False,
        awaits_stores: bool = False,
    ) -> None:
        self.awaits_stores = awaits_stores
        self.storing: dict[int, int] = {}
        self.limits = limits
        self.works = works
        self.pages: dict[int, Page] = {}
        self.hosts = {name: Host() for name in workers}
        self.outcome: Outcome | None = None
        self.wake_at: float | None = None
        self.record = record
        self.history: list[tuple[float, Event, tuple[Instruction, ...]]] = []
        self.usable: set[str] = set()
        self.live = self.live_bytes = self.closed = self.hedges = 0
        self.accepted = self.paid_retries = self.usable_slots = self.most_slots = 0
        self._now = 0.0
        self._event: Event | None = None
        self._checks: dict[type, Callable[..., None]] = {
            Send: self._send,
            Cancel: self._cancel,
            Accept: self._accept,
            Probe: self._probe,
            WakeAt: self._wake,
            Tell: self._tell,
            Finish: self._finish,
        }
        self.dispatcher = Dispatcher(
            self._pull(),
            workers,
            limits=limits,
            rng=Random(seed),
            now=0.0,
            awaits_stores=awaits_stores,
        )

    def deliver(self, event: Event, now: float) -> list[Instruction]:
        """Hand an event over, and check the answer."""
        self._now, self._event = now, event
        if self.wake_at is not None and self.wake_at <= now:
            self.wake_at = None
        was_over = self.outcome is not None
        self._before(event)
        got = self.dispatcher.handle(event, now)
        if self.record:
            self.history.append((now, event, tuple(got)))
        require(not (was_over and got), "speaks after the end:", got)
        for instruction in got:
            require(self.outcome is None, "goes on after Finish:", instruction)
            self._checks[type(instruction)](instruction)
        self._after()
        return got

    # What the events say

    def _before(self, event: Event) -> None:
        match event:
            case WorkerReady(worker, slots):
                self._ready(self.hosts.setdefault(worker, Host()), worker, slots)
            case WorkerLost(worker, _, permanent) if worker in self.hosts:
                host = self.hosts[worker]
                host.barred |= permanent
                host.ejected = host.probed = False
                self._leave(worker)
            case TileFailed():
                self._before_failed(event)
            case TileStored(tile):
                self.live_bytes -= self.storing.pop(tile, 0)

    def _ready(self, host: Host, worker: str, slots: int) -> None:
        if slots < 1:
            host.ejected = host.probed = False
            self._leave(worker)
            return
        if worker in self.usable:
            self.usable_slots += slots - host.slots
        host.slots = slots
        if not host.barred and not host.usable and (host.probed or not host.ejected):
            host.usable, host.ejected, host.probed = True, False, False
            self.usable.add(worker)
            self.usable_slots += slots
        self.most_slots = max(self.most_slots, self.usable_slots)

    def _leave(self, worker: str) -> None:
        if worker in self.usable:
            self.hosts[worker].usable = False
            self.usable.discard(worker)
            self.usable_slots -= self.hosts[worker].slots

    def _before_failed(self, event: TileFailed) -> None:
        page = self.pages.get(event.tile)
        if page is None or page.live.get(event.attempt) != event.worker:
            return
        self._land(page, event.attempt)
        if event.kind in {FailureKind.BUSY, FailureKind.UNREACHED}:
            page.turned_away += 1
            self._turned_away(event)
        else:
            page.failed_at.add(event.worker)
            page.owes = True

    def _turned_away(self, event: TileFailed) -> None:
        asked, host = event.retry_after_s, self.hosts[event.worker]
        if event.kind is FailureKind.UNREACHED:
            self._leave(event.worker)
        elif asked is not None and asked >= 0:
            until = self._now + min(asked, self.limits.busy_cap_s)
            host.paused_until = max(host.paused_until, until)

    def _land(self, page: Page, attempt: int) -> None:
        worker = page.live.pop(attempt)
        self.hosts[worker].held.discard((page.work.tile, attempt))
        self.live -= 1
        self.live_bytes -= page.work.size_bytes

    # What the instructions may say

    def _send(self, send: Send) -> None:
        page, host = self.pages[send.tile], self.hosts[send.worker]
        require(host.usable and not host.ejected, "sends to an unusable worker:", send)
        require(len(host.held) < host.slots, "sends to a full worker:", send)
        require(host.paused_until <= self._now, "sends to a busy worker:", send)
        require(not page.closed, "sends a closed tile:", send)
        require(send.attempt not in page.sends, "numbers two attempts alike:", send)
        require(send.hedge == bool(page.live), "hedges what does not fly, or flies twice:", send)
        require(len(page.live) < self.limits.hedge_copies, "hedges without end:", send)
        require(send.worker not in page.live.values(), "hedges at the same worker:", send)
        require(send.deadline_s >= self.limits.deadline_base_s, "hurries:", send)
        self._spend(send, page)
        page.sends[send.attempt] = page.live[send.attempt] = send.worker
        host.held.add((send.tile, send.attempt))

    def _spend(self, send: Send, page: Page) -> None:
        self.live += 1
        self.live_bytes += page.work.size_bytes
        self.hedges += send.hedge
        alone = self.live == 1 and not self.storing
        fits = alone or self.live_bytes <= self.limits.bytes_in_flight
        require(fits, "exceeds the bytes in flight:", self.live_bytes)
        hedge_budget = self.limits.hedge_fraction * len(self.works) + self.limits.hedge_extra
        require(self.hedges <= hedge_budget, "hedges too much:", self.hedges)
        tries = len(page.sends) + 1 - page.turned_away
        require(tries <= self.limits.attempts, "tries too often:", send)
        if send.worker in page.failed_at:
            require(self.usable <= page.failed_at, "asks the same worker again:", send)
        if page.owes and not send.hedge:
            page.owes = False
            self.paid_retries += 1
            self._check_retry_budget()

    def _check_retry_budget(self) -> None:
        slots, limits = self.most_slots, self.limits
        rate = max(1.0, limits.retry_per_slot_s * slots)
        budget = max(limits.retry_burst, slots, 1) + rate * self._now
        budget += limits.retry_per_success * self.accepted
        require(self.paid_retries <= budget + 1e-6, "storms:", self.paid_retries, "retries")

    def _cancel(self, cancel: Cancel) -> None:
        page = self.pages[cancel.tile]
        require(page.live.get(cancel.attempt) == cancel.worker, "cancels nothing:", cancel)
        self._land(page, cancel.attempt)
        if page.digest is None:  # not the loser of a race: lost, or late for its deadline
            page.owes = True
            page.failed_at.add(cancel.worker)

    def _accept(self, accept: Accept) -> None:
        page, event = self.pages[accept.tile], self._event
        require(not page.closed, "accepts a closed tile:", accept)
        told = isinstance(event, TileAnswered) and (
            (event.tile, event.worker, event.attempt)
            == (accept.tile, accept.worker, accept.attempt)
        )
        require(told, "accepts what nobody answered:", accept)
        assert isinstance(event, TileAnswered)
        require(page.sends.get(accept.attempt) == accept.worker, "accepts a stranger:", accept)
        page.digest, page.winner = event.digest, event.attempt
        self.accepted += 1
        self.closed += 1
        if accept.attempt in page.live:
            self._land(page, accept.attempt)
        if self.awaits_stores:
            self.storing[accept.tile] = page.work.bytes_back
            self.live_bytes += page.work.bytes_back

    def _probe(self, probe: Probe) -> None:
        host = self.hosts[probe.worker]
        require(not host.barred and not host.usable, "probes in vain:", probe)
        host.probed = True

    def _wake(self, wake: WakeAt) -> None:
        require(wake.time > self._now, "wants to be woken in the past:", wake)
        self.wake_at = wake.time

    def _tell(self, tell: Tell) -> None:
        match tell.event:
            case WorkerEjected(worker):
                require(len(self.usable) > 1, "ejects the last one:", worker)
                self.hosts[worker].ejected = True
                self._leave(worker)
            case TileGivenUp(tile, reasons):
                page = self.pages[tile]
                require(not page.live and not page.closed, "gives up too early:", tell)
                enough = len(reasons) >= self.limits.attempts
                accused = len({worker for worker, _ in reasons}) >= self.limits.faulty_workers
                require(enough or accused, "gives up without a reason:", tell)
                page.given_up = True
                self.closed += 1

    def _finish(self, finish: Finish) -> None:
        require(self.live == 0, "leaves attempts in flight:", self.live)
        self.outcome = outcome = finish.outcome
        named = {failed.tile for failed in outcome.failed}
        given_up = {number for number, page in self.pages.items() if page.given_up}
        require(named == given_up, "names other tiles than it gave up:", named, given_up)
        if outcome.exit_code == ExitCode.DONE:
            require(self.accepted == len(self.works), "is done too early:", self.accepted)
        elif "tiles failed" in outcome.message:
            require(bool(named) and self.closed == len(self.works), "forgets a tile:", outcome)
        require(bool(outcome.message), "ends without a word")

    # What must hold between events

    def _after(self) -> None:
        if self.outcome is not None:
            require(self.dispatcher.outcome == self.outcome, "hides its outcome")
            return
        awaited = self.wake_at is not None or self.storing
        require(bool(awaited), "sleeps for ever after", self._event)
        require(self.closed < len(self.works), "does not see that it is done")
        held = len(self.pages) - self.closed
        require(held <= 2 * self.most_slots + 1, "hoards tiles:", held)
        event = self._event
        if isinstance(event, TileAnswered) and (page := self.pages.get(event.tile)):
            known = page.sends.get(event.attempt) == event.worker
            same = page.digest in (None, event.digest) or page.winner == event.attempt
            require(not known or same, "overlooks different bits:", event)

    def _pull(self) -> Iterator[Work]:
        for work in self.works:
            self.pages[work.tile] = Page(work)
            yield work
