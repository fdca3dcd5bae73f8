"""Policies of the dispatcher: pure functions of its thresholds.

Time, random numbers and the state of the run are arguments.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from coordinator.events import FailureKind

if TYPE_CHECKING:
    from random import Random

    from coordinator.dispatch.limits import Limits


@dataclass(frozen=True, slots=True)
class Consequence:
    """What follows from a failure, by its kind.

    Parameters
    ----------
    counts : bool
        Whether it is one of the attempts that the tile has.
    of_tile, of_worker : bool
        Whether the tile, and the worker, may be the cause.
    """

    counts: bool
    of_tile: bool
    of_worker: bool


CONSEQUENCES: dict[FailureKind, Consequence] = {
    FailureKind.BUSY: Consequence(counts=False, of_tile=False, of_worker=False),
    FailureKind.REFUSED: Consequence(counts=True, of_tile=True, of_worker=True),
    FailureKind.BROKEN: Consequence(counts=True, of_tile=True, of_worker=True),
    FailureKind.CORRUPT: Consequence(counts=True, of_tile=True, of_worker=True),
    FailureKind.TIMEOUT: Consequence(counts=True, of_tile=True, of_worker=True),
    FailureKind.UNREACHED: Consequence(counts=False, of_tile=False, of_worker=True),
}


def must_give_up(*, tries: int, failed_workers: int, limits: Limits) -> bool:
    """Whether a tile must be given up.

    Parameters
    ----------
    tries : int
        Attempts that count.
    failed_workers : int
        Different workers that failed the tile, and may not be the cause.
    limits : Limits

    Examples
    --------
    >>> from coordinator.dispatch.limits import Limits
    >>> must_give_up(tries=3, failed_workers=3, limits=Limits())
    True
    >>> must_give_up(tries=4, failed_workers=2, limits=Limits())
    False
    """
    return tries >= limits.attempts or failed_workers >= limits.faulty_workers


def backoff_s(*, failures: int, rng: Random, limits: Limits) -> float:
    """Pause before the next attempt, in seconds: uniform in [0, base * 2**(failures - 1)].

    This "full jitter" spreads the retries of tiles that failed together (M. Brooker, "Exponential
    Backoff And Jitter", AWS Architecture Blog, 2015).

    Parameters
    ----------
    failures : int
        Failed attempts so far.
    rng : random.Random
    limits : Limits
    """
    doublings = min(max(failures - 1, 0), 30)
    return rng.uniform(0.0, min(limits.backoff_cap_s, limits.backoff_base_s * 2.0**doublings))


def retry_pause_s(
    *, tries: int, tried_workers: int, absent: int, rng: Random, limits: Limits
) -> float:
    """Pause before the next attempt, in seconds: the backoff, or longer before the last one.

    Where one worker has failed the tile alone and others are absent, the last attempt waits for
    another worker.

    Parameters
    ----------
    tries : int
        Attempts that count, so far.
    tried_workers : int
        Different workers that failed the tile.
    absent : int
        Workers that are not ready, and may be later.
    rng : random.Random
    limits : Limits
    """
    if tries == limits.attempts - 1 and tried_workers == 1 and absent > 0:
        return limits.last_retry_pause_s
    return backoff_s(failures=tries, rng=rng, limits=limits)


def hedge_after_s(
    *, done: int, quantile_s: float, median_s: float, claimed_s: float, limits: Limits
) -> float:
    """Age in seconds from which a tile in flight is late.

    Parameters
    ----------
    done : int
        Tiles answered so far.
    quantile_s, median_s : float
        Quantiles of their recent durations, in seconds.
    claimed_s : float
        What its worker claims that it takes, in seconds; 0 if it does not. It can only lengthen the
        patience.
    limits : Limits

    Examples
    --------
    >>> from coordinator.dispatch.limits import Limits
    >>> limits = Limits()
    >>> hedge_after_s(done=0, quantile_s=0.0, median_s=0.0, claimed_s=3.0, limits=limits)
    7.0
    >>> hedge_after_s(done=3, quantile_s=0.1, median_s=0.1, claimed_s=3.0, limits=limits)
    1.3
    >>> hedge_after_s(done=100, quantile_s=1.25, median_s=0.25, claimed_s=3.0, limits=limits)
    1.25
    """
    if not done:
        patience_s = min(2.0 * claimed_s + limits.hedge_early_s, limits.hedge_claimed_s)
        return max(limits.hedge_initial_s, patience_s)
    late_s = max(quantile_s, limits.hedge_medians * median_s, limits.hedge_floor_s)
    return late_s if done >= limits.hedge_min_answers else late_s + limits.hedge_early_s


def within_hedge_budget(*, hedges: int, tiles: int, limits: Limits) -> bool:
    """Whether one more hedge is within the budget, which holds while there are fresh tiles.

    Once the plan is exhausted there is none, as there is none for the backup tasks of MapReduce (J.
    Dean and S. Ghemawat, 2004): an idle slot has nothing else to do.

    Parameters
    ----------
    hedges : int
        Hedges sent so far.
    tiles : int
        Tiles started so far, of about the same work.
    limits : Limits

    Examples
    --------
    >>> from coordinator.dispatch.limits import Limits
    >>> within_hedge_budget(hedges=5, tiles=100, limits=Limits())
    True
    >>> within_hedge_budget(hedges=6, tiles=100, limits=Limits())
    False
    """
    return hedges + 1 <= limits.hedge_extra + limits.hedge_fraction * tiles


def can_hedge(*, tries: int, live: int, limits: Limits) -> bool:
    """Whether a tile may get one more attempt beside those in flight.

    Parameters
    ----------
    tries : int
        Attempts that count, those in flight included.
    live : int
        Attempts in flight.
    limits : Limits
    """
    return 0 < live < limits.hedge_copies and tries < limits.attempts


def must_eject(*, failures_in_row: int, ready: int, limits: Limits) -> bool:
    """Whether a ready worker must be ejected; the last one never is.

    Parameters
    ----------
    failures_in_row : int
        Its failures since its last accepted answer.
    ready : int
        Ready workers, this one included.
    limits : Limits

    Examples
    --------
    >>> from coordinator.dispatch.limits import Limits
    >>> must_eject(failures_in_row=3, ready=2, limits=Limits())
    True
    >>> must_eject(failures_in_row=99, ready=1, limits=Limits())
    False
    """
    return failures_in_row >= limits.eject_failures and ready > 1


def probe_pause_s(*, absences: int, rng: Random, limits: Limits) -> float:
    """Pause before a worker is probed, in seconds: it doubles, and its upper half is random.

    Parameters
    ----------
    absences : int
        Times that the worker was lost, ejected or silent since its last accepted answer.
    rng : random.Random
    limits : Limits
    """
    pause_s = min(limits.probe_cap_s, limits.probe_base_s * 2.0 ** min(max(absences - 1, 0), 30))
    return pause_s * rng.uniform(0.5, 1.0)


def busy_pause_s(*, asked_s: float | None, limits: Limits) -> float:
    """Pause of a busy worker, in seconds: what it asked for, within limits.

    Parameters
    ----------
    asked_s : float or None
        Seconds that it asked for; None, negative and NaN mean that it named no time.
    limits : Limits

    Examples
    --------
    >>> from coordinator.dispatch.limits import Limits
    >>> busy_pause_s(asked_s=None, limits=Limits()), busy_pause_s(asked_s=1e9, limits=Limits())
    (1.0, 60.0)
    """
    if asked_s is None or not asked_s >= 0.0:  # NaN too
        return limits.busy_pause_s
    return min(max(asked_s, limits.busy_floor_s), limits.busy_cap_s)


def deadline_s(*, size_bytes: int, slow_s_per_byte: float, timeouts: int, limits: Limits) -> float:
    """Seconds for which nothing may be heard of an attempt, doubled with each timeout.

    Parameters
    ----------
    size_bytes : int
        Bytes of the request and the answer.
    slow_s_per_byte : float
        High quantile of what recent attempts took, transfer and filter together, in seconds per
        byte. It can only lengthen the deadline.
    timeouts : int
        Attempts of the tile that missed their deadline: a wrong guess costs time, never the run.
    limits : Limits

    Examples
    --------
    >>> from coordinator.dispatch.limits import Limits
    >>> deadline_s(size_bytes=5_000_000, slow_s_per_byte=0.0, timeouts=0, limits=Limits())
    35.0
    """
    s_per_byte = max(1.0 / limits.slow_link_bytes_per_s, limits.deadline_slack * slow_s_per_byte)
    return (limits.deadline_base_s + size_bytes * s_per_byte) * 2.0 ** min(timeouts, 30)


def must_wait(
    *, heard_s: float, age_s: float, estimate_s: float, idle: bool, limits: Limits
) -> bool:
    """Whether an attempt whose deadline has passed is waited for: its worker says it computes.

    Parameters
    ----------
    heard_s : float
        Seconds since the worker said so.
    age_s : float
        Since the attempt was sent.
    estimate_s : float
        What it was expected to take; 0 if nobody knows.
    idle : bool
        Whether another worker could have the tile at once.
    limits : Limits

    Examples
    --------
    >>> from coordinator.dispatch.limits import Limits
    >>> must_wait(heard_s=1.0, age_s=3600.0, estimate_s=3.0, idle=False, limits=Limits())
    True
    >>> must_wait(heard_s=1.0, age_s=3600.0, estimate_s=3.0, idle=True, limits=Limits())
    False
    >>> must_wait(heard_s=9.0, age_s=60.0, estimate_s=60.0, idle=False, limits=Limits())
    False
    """
    overdue = 0.0 < limits.overdue_estimates * estimate_s < age_s
    return heard_s <= limits.computing_news_s and not (overdue and idle)


def is_too_slow(*, tile_s: float, others_s: float, usual_s: float) -> bool:
    """Whether a worker had better get no more tiles: the others are done before it would be.

    Parameters
    ----------
    tile_s : float
        Seconds that it would take for a tile.
    others_s : float
        In which all other workers together do what is not sent yet.
    usual_s : float
        That a tile usually takes.

    Examples
    --------
    >>> is_too_slow(tile_s=8.0, others_s=3.0, usual_s=1.0)
    True
    >>> is_too_slow(tile_s=8.0, others_s=30.0, usual_s=1.0)
    False
    """
    return tile_s > others_s + usual_s


def time_for_a_tile_s(*, tile_s: float, limits: Limits) -> float:
    """Seconds that a worker whose time ends must have left to get one more tile.

    Parameters
    ----------
    tile_s : float
        That one takes it; 0 if nobody knows.
    limits : Limits

    Examples
    --------
    >>> from coordinator.dispatch.limits import Limits
    >>> time_for_a_tile_s(tile_s=20.0, limits=Limits())
    35.0
    """
    return limits.leaving_tiles * tile_s + limits.leaving_s


def fits_budget(*, size_bytes: int, in_flight_bytes: int, limits: Limits) -> bool:
    """Whether an attempt may start now; one larger than the budget starts when it is alone.

    Parameters
    ----------
    size_bytes, in_flight_bytes : int
        Bytes of this attempt, and of all in flight.
    limits : Limits
    """
    return in_flight_bytes == 0 or in_flight_bytes + size_bytes <= limits.bytes_in_flight
