"""Attempts laid out in time: a lane for each tile that a worker has in hand at once.

A worker reports how long a tile waited and computed, not when. The rest of the attempt is
transfer, there and back, in proportion to the bytes that went each way::

    sent [ transfer | waiting | computing | transfer ] answered [ storing ] stored

Spans shorter than a pixel are merged: such a span is drawn as the kind with the largest sum of
times, and the sums of the others are carried over to the next. So a run of a million tiles draws as
few spans as one of a hundred, and each kind still has its share of the picture.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from coordinator.history.history import AttemptRecord, End

WIDTH: Final = 1000
"""Steps of time that are drawn apart."""

FINER, FEW = 8, 10_000
"""Of not more attempts than `FEW`, so many times as many steps: there is room to zoom in."""

COMPUTING, TRANSFER, WAITING = "computing", "transfer", "waiting for a thread"
UNKNOWN, STORING = "at a worker that does not tell", "storing"
HEDGED, RETRIED, FLYING = "hedge", "failed or not needed", "in flight"
KINDS: Final = (COMPUTING, TRANSFER, WAITING, STORING, HEDGED, RETRIED, UNKNOWN, FLYING)


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time in which a lane did one kind of thing."""

    start_s: float
    stop_s: float
    kind: str

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.stop_s - self.start_s


def lanes(attempts: Iterable[AttemptRecord], end_s: float) -> list[list[Span]]:
    """Lay the attempts of one worker out; one without an end lasts until `end_s`.

    Examples
    --------
    >>> two = [AttemptRecord(i, "a", 1, 0.0, False, End.STORED, 1.0, 1.0) for i in range(2)]
    >>> [len(lane) for lane in lanes(two, 2.0)]
    [1, 1]
    """
    all_lanes: list[list[Span]] = []
    in_order = sorted(attempts, key=lambda each: each.sent_s)
    for attempt in in_order:
        spans = _spans(attempt, end_s)
        free = next((lane for lane in all_lanes if lane[-1].stop_s <= attempt.sent_s + 1e-9), None)
        if free is None:
            all_lanes.append(spans)
        else:
            free += spans
    steps = WIDTH * (FINER if len(in_order) <= FEW else 1)
    return [_merged(lane, end_s / steps) for lane in all_lanes]


def parts(attempt: AttemptRecord) -> list[Span]:
    """Return the spans of an attempt that was stored, one after another.

    Examples
    --------
    >>> one = AttemptRecord(0, "a", 1, 0.0, False, End.STORED, 1.0, 1.2)
    >>> one.computing_s, one.waiting_s, one.bytes_sent, one.bytes_received = 0.5, 0.1, 300, 100
    >>> [f"{span.kind} {span.seconds:.1f}" for span in parts(one)]
    ['transfer 0.3', 'waiting for a thread 0.1', 'computing 0.5', 'transfer 0.1', 'storing 0.2']
    """
    answered_s = attempt.end_s if attempt.answered_s is None else attempt.answered_s
    if attempt.end is not End.STORED or answered_s is None or attempt.end_s is None:
        return []
    took_s = answered_s - attempt.sent_s
    if attempt.computing_s is None:
        pieces = [(UNKNOWN, took_s)]
    else:
        computing_s = min(attempt.computing_s, took_s)
        waiting_s = min(attempt.waiting_s or 0.0, took_s - computing_s)
        transfer_s = took_s - computing_s - waiting_s
        there = attempt.bytes_sent / ((attempt.bytes_sent + attempt.bytes_received) or 1)
        pieces = [(TRANSFER, transfer_s * there), (WAITING, waiting_s), (COMPUTING, computing_s)]
        pieces.append((TRANSFER, transfer_s * (1 - there)))
    pieces.append((STORING, attempt.end_s - answered_s))
    return list(_placed(attempt.sent_s, pieces))


def _placed(at_s: float, pieces: Iterable[tuple[str, float]]) -> Iterator[Span]:
    for kind, seconds in pieces:
        if seconds > 0:
            yield Span(at_s, at_s + seconds, kind)
            at_s += seconds


def _spans(attempt: AttemptRecord, end_s: float) -> list[Span]:
    stop_s = end_s if attempt.end_s is None else attempt.end_s
    if attempt.end is not End.STORED:
        kind = FLYING if attempt.end is End.FLYING else RETRIED
        return [Span(attempt.sent_s, stop_s, kind)]
    if not attempt.hedge:
        return parts(attempt) or [Span(attempt.sent_s, stop_s, UNKNOWN)]
    answered_s = stop_s if attempt.answered_s is None else attempt.answered_s
    pieces = [(HEDGED, answered_s - attempt.sent_s), (STORING, stop_s - answered_s)]
    return list(_placed(attempt.sent_s, pieces)) or [Span(attempt.sent_s, stop_s, HEDGED)]


def _merged(lane: Sequence[Span], step_s: float) -> list[Span]:
    """Merge neighbours that are shorter, together and with their gaps, than a step."""
    merged: list[Span] = []
    balance_s = dict.fromkeys(KINDS, 0.0)
    for group in _groups(lane, step_s):
        for span in group:
            balance_s[span.kind] += span.seconds
        kind = max(balance_s, key=balance_s.__getitem__)
        balance_s[kind] -= sum(span.seconds for span in group)
        merged.append(Span(group[0].start_s, group[-1].stop_s, kind))
    return merged


def _groups(lane: Sequence[Span], step_s: float) -> Iterator[list[Span]]:
    group: list[Span] = []
    for span in lane:
        if group and span.stop_s - group[0].start_s > step_s:
            yield group
            group = []
        group.append(span)
    if group:
        yield group


def totals_s(attempts: Iterable[AttemptRecord], end_s: float) -> dict[str, float]:
    """Return the seconds of each kind, summed over attempts."""
    sums = dict.fromkeys(KINDS, 0.0)
    for attempt in attempts:
        for span in _spans(attempt, end_s):
            sums[span.kind] += span.seconds
    return sums


def bins(samples: Iterable[tuple[float, float]], stop: float, count: int) -> list[float]:
    """Sum (place, amount) pairs into so many equal bins of ``[0, stop]``.

    >>> bins([(0.1, 1), (0.9, 2), (1.0, 4)], 1.0, 2)
    [1.0, 6.0]
    """
    sums = [0.0] * count
    for place, amount in samples:
        sums[min(count - 1, int(place / stop * count)) if stop > 0 else 0] += amount
    return sums
