"""Charts over time: the timeline, the throughput, and how long tiles took."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from coordinator.history.history import AttemptRecord, quantiles
from coordinator.report import charts
from coordinator.report.html import Html, join, section, tag, text, wide
from coordinator.report.maps import SHOWN_WORKERS, legend
from coordinator.report.timeline import KINDS, bins, lanes, totals_s
from coordinator.text import brief_time, count, megabytes

if TYPE_CHECKING:
    from coordinator.report.recorder import Recorder

BINS: Final = 60
ZOOMS: Final = (1, 2, 4, 8)
"""How much wider than its place the timeline can be drawn; the style sheet knows them too."""

TICKS: Final = 4
"""Parts that the axis of time has words for."""


def times(history: Recorder) -> Iterator[Html]:
    """Yield the charts of what attempts took, if there were any."""
    if not history.attempts:
        return
    yield timeline(history)
    end_s = history.last_s
    amounts = bins(history.writes, end_s, BINS)
    top = max(amounts) / (end_s / BINS) if end_s > 0 else 0.0
    size = f"{megabytes(history.meter.total)} MB in {brief_time(end_s)}"
    shown = charts.bars(
        "throughput",
        "Throughput over time",
        f"Output written: {size}, at most {megabytes(top)} MB/s.",
        amounts,
        ("0", brief_time(end_s)),
        f"{megabytes(top)} MB/s",
    )
    yield section("Throughput", wide(shown, "Throughput"))
    times_s = sorted(time for worker in history.workers.values() for time in worker.times_s)
    if times_s:
        yield section("Times of tiles", _distribution(times_s))


def timeline(history: Recorder) -> Html:
    """Draw the lanes of every worker, with what widens them."""
    end_s = history.last_s
    by_worker: defaultdict[str, list[AttemptRecord]] = defaultdict(list)
    for attempt in history.attempts:
        by_worker[attempt.worker].append(attempt)
    drawn = []
    for name, attempts in list(by_worker.items())[:SHOWN_WORKERS]:
        number = history.workers[name].number
        drawn.append(tag("p", {"class": "lane"}, text(name)))
        drawn.append(charts.lane_rows(number, name, lanes(attempts, end_s), end_s))
    rest = len(by_worker) - SHOWN_WORKERS
    more = [tag("p", {}, text(f"and {count(rest, 'worker')} more"))] if rest > 0 else []
    hint = text(
        "Workers tell how long they waited and computed; the rest is transfer: the link, and what "
        "both ends do for it."
    )
    spans = tag("div", {"class": "zoomed"}, *drawn, _ticks(end_s))
    return section(
        "Timeline",
        tag(
            "div",
            {"class": "zoom", "role": "group", "aria-labelledby": "zoom"},
            *_zooms(),
            wide(spans, "Timeline"),
        ),
        _legend_of_time(history),
        *more,
        tag("p", {"class": "hint"}, hint),
    )


def _zooms() -> Iterator[Html]:
    """Yield buttons that need no script: which is chosen, the style sheet sees."""
    yield tag("span", {"id": "zoom"}, text("Zoom"))
    for factor in ZOOMS:
        checked = " checked" if factor == 1 else ""
        name = f"zoom-{factor}"
        yield Html(f'<input type="radio" name="zoom" id="{name}"{checked}>')
        yield tag("label", {"for": name}, text(f"{factor} \N{MULTIPLICATION SIGN}"))


def _ticks(end_s: float) -> Html:
    words = (brief_time(end_s * part / TICKS) if part else "0" for part in range(TICKS + 1))
    return tag("div", {"class": "ticks"}, *(tag("span", {}, text(word)) for word in words))


def kinds_of_time(history: Recorder) -> list[str]:
    """Return the kinds of time to list: those that there were."""
    spent_s = totals_s(history.attempts, history.last_s)
    return [kind for kind in KINDS if spent_s[kind]]


def _legend_of_time(history: Recorder) -> Html:
    width = 2 * charts.BAND
    entries = [
        (
            charts.swatch(charts.kind_of_time(0, 0, width, kind), width=width),
            f"{kind} ({charts.SHAPES[kind][2]})",
        )
        for kind in kinds_of_time(history)
    ]
    return legend([*entries, (charts.swatch(width=width), "waiting for a tile (empty)")])


def _distribution(times_s: Sequence[float]) -> Html:
    middle, high = quantiles(times_s) or (0.0, 0.0)
    counts = bins(((time, 1) for time in times_s), times_s[-1], 40)
    words = f"median {brief_time(middle)}, 95th percentile {brief_time(high)}"
    drawn = charts.bars(
        "distribution",
        "Distribution of the times of tiles",
        f"Of {count(len(times_s), 'tile')}: {words}, longest {brief_time(times_s[-1])}.",
        counts,
        ("0", brief_time(times_s[-1])),
        count(int(max(counts)), "tile"),
    )
    return join([wide(drawn, "Times of tiles"), tag("p", {"id": "quantiles"}, text(words))])
