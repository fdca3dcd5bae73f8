"""The thresholds of the dispatcher, each with its reason."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Limits:
    """The thresholds of a run, each with the reason for its default.

    Parameters
    ----------
    attempts : int
        Attempts of a tile that count, before it is given up. Five outlast a restart of the workers
        and an unlucky choice; a sixth never helped a tile that is bad.
    faulty_workers : int
        Different workers that must fail a tile before it is given up. Two may have a failure at the
        same time; if three agree, it is the tile.
    backoff_base_s : float
        Longest pause before the first retry of a tile, in seconds; it doubles with each failure.
        The scale of a dropped connection.
    backoff_cap_s : float
        Longest pause before any retry, in seconds. The scale of a restarting process.
    last_retry_pause_s : float
        Pause before the last attempt, in seconds, where only one worker has failed the tile and
        others are absent. Each of them is probed at least so often.
    keep_going : bool
        Whether the rest is finished when a tile is given up.
    retry_burst : int
        Retries that may be sent at once, even by a small fleet.
    retry_per_success : float
        Retries that an accepted tile allows: in a long run one request of eleven may be a retry.
    retry_per_slot_s : float
        Retries per slot and second that need no success: at 0.1 all slots are retried in 10 s.
    hedge_fraction : float
        Hedges per tile, at most, while there are fresh tiles. The price of knowing that no tile is
        late for long.
    hedge_extra : int
        Hedges beyond that, so that a run of few tiles may hedge too.
    hedge_copies : int
        Attempts of a tile in flight at once: a hedge may meet a slow worker as well.
    hedge_quantile : float
        Quantile of the recent durations from which a tile is late.
    hedge_medians : float
        Multiple of the median below which no tile is late: where all workers are alike, the
        quantile alone would hedge healthy tiles.
    hedge_floor_s : float
        Seconds below which no tile is late: so short a delay is the operating system's.
    hedge_initial_s : float
        Seconds from which a tile is late while none was answered.
    hedge_claimed_s : float
        Seconds from which it is, whatever its worker claims that it takes.
    hedge_early_s : float
        Seconds beyond its estimate from which it is late while fewer than `hedge_min_answers` were.
    hedge_min_answers : int
        Answers from which quantiles mean something.
    eject_failures : int
        Failures in a row for which a worker is ejected. One or two are chance.
    probe_base_s : float
        Pause before the first probe of a worker that is lost or ejected, in seconds; it doubles.
    probe_cap_s : float
        Longest pause between probes, in seconds: a worker that joins late is found within it.
    greeting_s : float
        Seconds after which a greeting or a probe that nobody answered is repeated.
    start_timeout_s : float
        Seconds without any ready worker at the start: workers need some to import their modules.
    fleet_timeout_s : float
        Seconds without any ready worker later: the time of a restart of all.
    busy_pause_s : float
        Pause of a busy worker that names none, in seconds.
    busy_floor_s : float
        Shortest pause of a busy worker, in seconds: one that says "at once" must not cause a loop.
    busy_cap_s : float
        Longest pause that a worker may ask for, in seconds.
    busy_timeout_s : float
        Seconds after which a tile that every worker turns away has failed attempts.
    deadline_base_s : float
        Seconds that any attempt has of which nothing is heard.
    computing_news_s : float
        Seconds for which it is believed that a worker still computes a tile after it has said so.
    overdue_estimates : float
        Multiple of its estimate after which a tile that is still computed is taken from its worker,
        if another one is idle.
    leaving_tiles : float
        Multiple of what a tile takes that a worker whose time ends must have left for one more.
    leaving_s : float
        Seconds beyond that: its word may be some seconds old.
    slow_link_bytes_per_s : float
        Bytes per second of the slowest link that is worth waiting for: 8 Mbit/s.
    deadline_slack : float
        Multiple of the slowest recent seconds per byte that an attempt has.
    bytes_in_flight : int
        Bytes of requests and answers in flight together, however many workers there are.

    Raises
    ------
    ValueError
        If a threshold is negative, or zero where that would end every run.
    """

    attempts: int = 5
    faulty_workers: int = 3
    backoff_base_s: float = 0.2
    backoff_cap_s: float = 10.0
    last_retry_pause_s: float = 15.0
    keep_going: bool = False

    retry_burst: int = 10
    retry_per_success: float = 0.1
    retry_per_slot_s: float = 0.1

    hedge_fraction: float = 0.05
    hedge_extra: int = 1
    hedge_copies: int = 3
    hedge_quantile: float = 0.95
    hedge_medians: float = 3.0
    hedge_floor_s: float = 0.05
    hedge_initial_s: float = 2.0
    hedge_claimed_s: float = 30.0
    hedge_early_s: float = 1.0
    hedge_min_answers: int = 10

    eject_failures: int = 3
    probe_base_s: float = 0.5
    probe_cap_s: float = 15.0
    greeting_s: float = 5.0
    start_timeout_s: float = 10.0
    fleet_timeout_s: float = 30.0

    busy_pause_s: float = 1.0
    busy_floor_s: float = 0.05
    busy_cap_s: float = 60.0
    busy_timeout_s: float = 600.0

    deadline_base_s: float = 30.0
    computing_news_s: float = 5.0
    overdue_estimates: float = 10.0
    leaving_tiles: float = 1.5
    leaving_s: float = 5.0
    slow_link_bytes_per_s: float = 1e6
    deadline_slack: float = 10.0
    bytes_in_flight: int = 1 << 30

    def __post_init__(self) -> None:
        """Reject thresholds with which no run can end well."""
        for field in fields(self):
            value = getattr(self, field.name)
            if value < 0:
                raise ValueError(f"{field.name} must not be negative, got {value}")
        for name in ("attempts", "faulty_workers", "eject_failures", "slow_link_bytes_per_s"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")
