"""Fair shares of a worker: runs that use it at the same time get the same seconds of computing.

Start-time fair queueing (Goyal, Vin and Cheng, "Start-time fair queueing: a scheduling algorithm
for integrated services packet switching networks", SIGCOMM 1996) with equal weights, for clients
that poll. Each run has a virtual time: the seconds of computing that it has used. While a slot is
free and some run waits, the run with the least virtual time is to have it, and whoever has used
more is turned away; so it does not matter over how many connections a run asks.

Who is turned away is told to come back after `RETRY_S`, and a slot is kept for it until then: each
connection that was turned away is a claim, which lasts until a connection of that run comes back.
If none does, the slot goes to whoever asks, so no slot stays free for more than `RETRY_S` and
`SLACK_S`.

A run begins at the least virtual time of those that are active (not counting what they compute now:
the start tag of what is in service, as the authors have it), and so does one that comes back: what
it did not ask for it can't claim later. A run that is turned away now and then may be behind the
others, by at most `ARREARS_S` of the whole worker. What a tile costs is known when it is finished;
until then it counts as much as the tiles of its run do on average.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field

RETRY_S = 0.05
"""When a run that is turned away should come back: next to nothing beside a tile's time."""

SLACK_S = 0.25
"""By how much it may be late: for networks, and machines that are busy."""

WAITS_S = 3.0
"""A run that has not asked for so long does not wait any more."""

CONTENDS_S = 2.0
"""A run that was turned away so recently wants more than it gets."""

ARREARS_S = 5.0
"""By how many seconds of all slots a run may be behind the others: a few tiles each."""

FORGOTTEN_S = 10.0
"""A run that has no slot, and has not asked for so long, is forgotten."""

RUNS = 1024
"""Most runs that are kept; the one that has not asked for longest is dropped."""

CLAIMS = 64
"""Most claims of a run: as many connections, or more, wait."""

_NEW_WEIGHT = 0.3
"""Of the last tile in the average of a run's tiles."""

_ABOUT = 0.9
"""Clocks differ: who comes back a little early is who was turned away."""


@dataclass(slots=True)
class _Usage:
    """What one run has used, and whether it waits."""

    asked_s: float
    seen_s: float
    used_s: float = 0.0
    charged_s: float = 0.0
    mean_s: float | None = None
    slots: int = 0
    waits_since_s: float | None = None
    turned_away_s: float = float("-inf")
    claims_s: deque[float] = field(default_factory=lambda: deque(maxlen=CLAIMS))

    @property
    def virtual_s(self) -> float:
        """Virtual time: what was used, and what the slots that it has will cost."""
        return self.used_s + self.charged_s

    def waits(self, now: float) -> bool:
        return self.waits_since_s is not None and now - self.asked_s <= WAITS_S

    def claims(self, now: float) -> bool:
        return bool(self.claims_s) and now - self.claims_s[-1] <= RETRY_S + SLACK_S

    def is_active(self, now: float) -> bool:
        return self.slots > 0 or self.waits(now)

    def come_back(self, now: float) -> None:
        """Take one claim off if it is time for it; this is who comes back."""
        while self.claims_s and now - self.claims_s[0] > RETRY_S + SLACK_S:
            self.claims_s.popleft()
        if self.claims_s and now - self.claims_s[0] >= _ABOUT * RETRY_S:
            self.claims_s.popleft()


class Shares:
    """The shares of all runs; the time is an argument, in seconds of a monotonic clock.

    Parameters
    ----------
    slots : int
        Of the worker.
    """

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._runs: OrderedDict[str, _Usage] = OrderedDict()  # who asked last is last

    def __len__(self) -> int:
        """Return the number of runs that are known."""
        return len(self._runs)

    def admits(self, run: str, now: float, *, is_free: bool) -> bool:
        """Tell whether a run that asks gets a slot, and note that it is admitted or turned away.

        Parameters
        ----------
        run : str
        now : float
        is_free : bool
            Whether there is a slot at all.
        """
        usage = self._asked(run, now)
        if not is_free or self._is_before(usage, now):
            self._turn_away(usage, now)
            return False
        usage.slots += 1
        usage.charged_s += usage.mean_s or 0.0
        usage.waits_since_s = None
        return True

    def turned_away(self, run: str, now: float) -> None:
        """Note that a run that was admitted has to come back all the same.

        Parameters
        ----------
        run : str
            It still has its slot.
        now : float
        """
        self._turn_away(self._runs[run], now)

    def finished(self, run: str, seconds: float, now: float) -> None:
        """Note that a slot of a run is free again.

        Parameters
        ----------
        run : str
        seconds : float
            Of computing; 0 if there was none.
        now : float
        """
        usage = self._runs[run]  # it had a slot, so it was not forgotten
        usage.charged_s -= usage.charged_s / usage.slots
        usage.slots -= 1
        usage.used_s += seconds
        if seconds:
            mean_s = seconds if usage.mean_s is None else usage.mean_s
            usage.mean_s = mean_s + _NEW_WEIGHT * (seconds - mean_s)
        usage.seen_s = now

    def waiting(self, now: float, most: int) -> list[tuple[str, float]]:
        """Return the runs that were turned away and not admitted since, with the seconds since.

        Parameters
        ----------
        now : float
        most : int
            Runs; those that wait longest.
        """
        since = {
            run: now - usage.waits_since_s
            for run, usage in self._runs.items()
            if usage.waits_since_s is not None and usage.waits(now)
        }
        return sorted(since.items(), key=lambda item: -item[1])[:most]

    def _is_before(self, usage: _Usage, now: float) -> bool:
        """Tell whether another run that has used less claims the slot."""
        return any(
            other.virtual_s < usage.virtual_s and other.claims(now)
            for other in self._runs.values()
            if other is not usage
        )

    def _turn_away(self, usage: _Usage, now: float) -> None:
        usage.claims_s.append(now)
        usage.turned_away_s = now
        if usage.waits_since_s is None:
            usage.waits_since_s = now

    def _asked(self, run: str, now: float) -> _Usage:
        """Return what a run that asks has used; what it may not claim any more is taken off."""
        self._forget(now)
        usage = self._runs.setdefault(run, _Usage(now, now))
        self._runs.move_to_end(run)
        usage.come_back(now)
        if not usage.waits(now):
            usage.waits_since_s = None
        active = [
            other.used_s
            for other in self._runs.values()
            if other is not usage and other.is_active(now)
        ]
        if active:
            contends = now - usage.turned_away_s <= CONTENDS_S
            arrears_s = ARREARS_S * self._slots if contends else 0.0
            usage.used_s += max(0.0, min(active) - arrears_s - usage.virtual_s)
        usage.asked_s = usage.seen_s = now
        return usage

    def _forget(self, now: float) -> None:
        """Drop idle runs, and the one that asked first if there are too many."""
        idle = [
            run
            for run, usage in self._runs.items()
            if not usage.slots and now - usage.seen_s > FORGOTTEN_S
        ]
        if len(self._runs) - len(idle) >= RUNS:
            idle += [run for run, usage in self._runs.items() if not usage.slots][:1]
        for run in dict.fromkeys(idle):
            del self._runs[run]
