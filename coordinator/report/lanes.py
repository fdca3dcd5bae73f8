"""Attempts laid out in time: a lane for each tile that a worker has in hand at once.

Neighbours of one kind that are closer than an eye can tell become one span, so that a run of a
million tiles draws as few as one of a hundred.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from coordinator.report.chronicle import Attempt, End

WIDTH: Final = 1000
"""Places in time that are told apart."""

AT_WORKER, STORING, HEDGED, RETRIED = "at the worker", "storing", "hedge", "failed or not needed"
KINDS: Final = (AT_WORKER, STORING, HEDGED, RETRIED)


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time in which a lane did one kind of thing, for so many tiles."""

    start_s: float
    stop_s: float
    kind: str
    tiles: int


def lanes(attempts: Iterable[Attempt], end_s: float) -> list[list[Span]]:
    """Lay the attempts of one worker out; what has no end lasts until `end_s`.

    Examples
    --------
    >>> two = [Attempt(i, "a", 1, 0.0, False, End.STORED, 1.0, 1.0) for i in range(2)]
    >>> [len(lane) for lane in lanes(two, 2.0)]
    [1, 1]
    """
    laid: list[list[Span]] = []
    for attempt in sorted(attempts, key=lambda each: each.sent_s):
        spans = _spans(attempt, end_s)
        free = next((lane for lane in laid if lane[-1].stop_s <= attempt.sent_s + 1e-9), None)
        if free is None:
            laid.append(spans)
        else:
            _append(free, spans, end_s / WIDTH)
    return laid


def _spans(attempt: Attempt, end_s: float) -> list[Span]:
    stop_s = end_s if attempt.end_s is None else attempt.end_s
    if attempt.end is not End.STORED:
        return [Span(attempt.sent_s, stop_s, RETRIED, 1)]
    kind = HEDGED if attempt.hedge else AT_WORKER
    answered_s = stop_s if attempt.answered_s is None else attempt.answered_s
    spans = [Span(attempt.sent_s, answered_s, kind, 1)]
    if stop_s > answered_s:
        spans.append(Span(answered_s, stop_s, STORING, 1))
    return spans


def _append(lane: list[Span], spans: Sequence[Span], step_s: float) -> None:
    for span in spans:
        last = lane[-1]
        close = span.start_s - last.stop_s < step_s and span.stop_s - last.start_s < 2 * step_s
        if close and span.kind == last.kind:
            lane[-1] = Span(last.start_s, span.stop_s, span.kind, last.tiles + span.tiles)
        elif close and span.stop_s - span.start_s < step_s / 2:
            lane[-1] = Span(last.start_s, span.stop_s, last.kind, last.tiles)
        else:
            lane.append(span)


def totals_s(attempts: Iterable[Attempt], end_s: float) -> dict[str, float]:
    """Return the seconds of each kind, summed over attempts."""
    sums = dict.fromkeys(KINDS, 0.0)
    for attempt in attempts:
        for span in _spans(attempt, end_s):
            sums[span.kind] += span.stop_s - span.start_s
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
