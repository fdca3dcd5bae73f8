"""The report of a run: one HTML page without scripts, and without anything from elsewhere.

Every number has an `id` and its exact value in `data-value`, so that programs can read it too. The
page's own policy forbids it to load anything, should a browser ever think that it ought to.
"""

from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from coordinator.report import charts
from coordinator.report.css import CSS
from coordinator.report.history import Attempt, History, Maker
from coordinator.report.html import Html, join, long_text, tag, text
from coordinator.report.tile_map import each_cell, folded, most
from coordinator.report.timeline import KINDS, UNTOLD, Span, bins, lanes, totals_s
from coordinator.text import brief_time, count, extent, megabytes

POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
BINS: Final = 60
SHOWN_WORKERS: Final = 40
"""Of the timeline and the tables: more is no longer read; the rest is summed up."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A thumbnail; `seams` are shares of its height and width at which a tile begins."""

    caption: str
    png: bytes
    seams: tuple[tuple[float, ...], tuple[float, ...]] = ((), ())


@dataclass(frozen=True, slots=True)
class Facts:
    """What a report tells beside the events.

    Parameters
    ----------
    command : str
    started : str
        In UTC.
    versions : mapping
        Of the coordinator's machine.
    files : mapping of str to str
        Digests and the like, by what they are of.
    pictures : sequence of Picture
    """

    command: str = ""
    started: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    pictures: Sequence[Picture] = ()


def render(told: History, facts: Facts) -> str:
    """Return the page."""
    run = told.run
    title = f"{run.filter}: {run.input}" if run else "a run that never began"
    head = [
        Html('<meta charset="utf-8">'),
        Html('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        Html(f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'),
        tag("title", {}, text(f"tilefan: {title}")),
        Html(f"<style>{CSS}</style>"),
    ]
    sections = [
        tag("h1", {}, text(title)),
        _state(told),
        _summary(told),
        _section("Command", tag("pre", {"id": "command"}, long_text(facts.command))),
        *_pictures(facts.pictures),
        *_maps(told),
        *_times(told),
        _workers(told),
        _provenance(facts),
        *_proofs(told),
        _remarks(told),
    ]
    body = tag("body", {}, tag("main", {}, *sections))
    return f'<!doctype html>\n<html lang="en">{tag("head", {}, *head)}{body}</html>\n'


def _section(title: str, *children: Html) -> Html:
    return tag("section", {}, tag("h2", {}, text(title)), *children)


def _wide(child: Html) -> Html:
    """Let what is wide be scrolled on a phone."""
    return tag("div", {"class": "wide"}, child)


def _state(told: History) -> Html:
    if told.finished is not None and told.finished.error is None:
        return tag("p", {"class": "state", "id": "state"}, text("done: the output is whole"))
    why = told.finished.error if told.finished is not None else "it did not end in good order"
    return tag("p", {"class": "state failed", "id": "state"}, text(f"failed: {why}"))


def _summary(told: History) -> Html:
    run = told.run
    rows: list[tuple[str, str, object, str]] = []
    if run is not None:
        stages = f" in the last of {run.stages} stages" if run.stages > 1 else ""
        rows += [
            ("shape", "array", extent(run.shape), f"{extent(run.shape)} {run.dtype}"),
            ("tiles", "tiles", told.tiles, f"{told.tiles:,} of {extent(run.tile_shape)}{stages}"),
            ("halo", "halo overhead", run.halo_overhead, f"{run.halo_overhead:.1%}"),
        ]
    speed = told.bytes_stored / told.seconds if told.seconds > 0 else 0.0
    rows += [
        ("stored", "tiles stored", told.stored, f"{told.stored:,}"),
        ("kept", "kept from before", told.kept, f"{told.kept:,}"),
        ("bytes", "written", told.bytes_stored, f"{megabytes(told.bytes_stored)} MB"),
        ("seconds", "took", f"{told.seconds:.6f}", brief_time(told.seconds)),
        ("speed", "speed", f"{speed:.0f}", f"{megabytes(speed)} MB/s"),
        ("workers", "workers", len(told.workers), f"{len(told.workers):,}"),
        ("retries", "retries", told.retries, f"{told.retries:,}"),
        ("hedges", "hedges", told.hedges, f"{told.hedges:,}"),
    ]
    facts = [
        tag(
            "div",
            {},
            tag("dt", {}, text(name)),
            tag("dd", {"id": key, "data-value": value}, text(shown)),
        )
        for key, name, value, shown in rows
    ]
    return tag("dl", {"class": "facts"}, *facts)


def _pictures(pictures: Sequence[Picture]) -> Iterator[Html]:
    if pictures:
        drawn = [_picture(picture) for picture in pictures]
        yield _section("Input and output", tag("div", {"class": "pair"}, *drawn))


def _picture(picture: Picture) -> Html:
    data = base64.b64encode(picture.png).decode("ascii")
    image = Html(f'<img alt="{text(picture.caption)}" src="data:image/png;base64,{data}">')
    down, across = picture.seams
    lines = [_line(0, y, 1, y) for y in down] + [_line(x, 0, x, 1) for x in across]
    size = {"viewBox": "0 0 1 1", "preserveAspectRatio": "none", "aria-hidden": "true"}
    overlay = [tag("svg", size, *lines)] if lines else []
    caption = tag("figcaption", {}, text(picture.caption))
    return tag("figure", {}, tag("div", {"class": "picture"}, image, *overlay), caption)


def _line(x1: float, y1: float, x2: float, y2: float) -> Html:
    ends = {"x1": x1, "y1": y1, "x2": x2, "y2": y2}
    return tag("line", {"class": "seam", **{key: f"{at:.5f}" for key, at in ends.items()}})


def _maps(told: History) -> Iterator[Html]:
    if told.run is None or told.run.tiles < 2:
        return
    order = {name: place for place, name in enumerate(told.workers)}
    by_worker, fold = folded(told.run.grid, told.makers)
    aspect = _aspect(told.run.grid, told.run.tile_shape, fold)
    shared = f" A cell stands for {extent(fold)} tiles." if fold != (1, 1) else ""
    said = ", ".join(f"{each.name} {each.stored}" for each in told.workers.values() if each.stored)
    drawn = charts.cells(
        "map-worker",
        "Tiles by worker",
        f"Tiles made by each worker: {said}.{shared}",
        each_cell(by_worker, lambda names: (charts.colour(order[most(names)]), most(names))),
        aspect,
    )
    shown = [name for name, each in told.workers.items() if each.stored][:SHOWN_WORKERS]
    legend = _legend((_dot(charts.colour(order[name])), name) for name in shown)
    left = tag("div", {}, tag("h2", {}, text("Tiles by worker")), drawn, legend)
    by_time, _ = folded(told.run.grid, told.stored_s)
    end_s = told.seconds or 1.0

    def at(times_s: list[float]) -> tuple[str, str]:
        mean_s = sum(times_s) / len(times_s)
        return _shade(mean_s / end_s), f"stored at {brief_time(mean_s)}"

    drawn = charts.cells(
        "map-time",
        "Tiles by time",
        f"When each tile was stored, from 0 to {brief_time(end_s)}.{shared}",
        each_cell(by_time, at),
        aspect,
    )
    ends = [(_dot(_shade(at)), word) for at, word in ((0, "early"), (0.5, "half-way"), (1, "late"))]
    right = tag("div", {}, tag("h2", {}, text("Tiles by time")), drawn, _legend(ends))
    yield tag("section", {"class": "pair"}, left, right)


def _aspect(grid: tuple[int, ...], tile: tuple[int, ...], fold: tuple[int, int]) -> float:
    """Return height over width of a cell, as on the array, within what can still be seen."""
    axes = sorted(sorted(range(len(grid)), key=lambda axis: -grid[axis])[:2])
    if len(axes) < 2:
        return 1.0
    down, across = axes
    return min(4.0, max(0.25, tile[down] * fold[0] / (tile[across] * fold[1])))


def _shade(share: float) -> str:
    return f"hsl({260 - 210 * share:.0f} 65% {40 + 22 * share:.0f}%)"


def _dot(fill: str) -> Html:
    return charts.swatch(charts.rect(0, 0, charts.BAND, charts.BAND, fill=fill))


def _legend(entries: Iterable[tuple[Html, str]]) -> Html:
    rows = [tag("li", {}, swatch, text(words)) for swatch, words in entries]
    return tag("ul", {"class": "legend"}, *rows)


def _kinds(told: History) -> list[str]:
    """Return the kinds of time to be told of: that every worker tells its own goes unsaid."""
    silent = totals_s(told.attempts, told.seconds)[UNTOLD]
    return [kind for kind in KINDS if kind != UNTOLD or silent]


def _legend_of_time(told: History) -> Html:
    wide = 2 * charts.BAND
    entries = [
        (
            charts.swatch(charts.kind_of_time(0, 0, wide, kind), width=wide),
            f"{kind} ({charts.SHAPES[kind][2]})",
        )
        for kind in _kinds(told)
    ]
    return _legend([*entries, (charts.swatch(width=wide), "waiting for a tile (empty)")])


def _times(told: History) -> Iterator[Html]:
    if not told.attempts:
        return
    end_s = told.seconds
    by_worker: defaultdict[str, list[Attempt]] = defaultdict(list)
    for attempt in told.attempts:
        by_worker[attempt.worker].append(attempt)
    laid: dict[str, list[list[Span]]] = {
        name: lanes(each, end_s) for name, each in list(by_worker.items())[:SHOWN_WORKERS]
    }
    rest = len(by_worker) - len(laid)
    more = [tag("p", {}, text(f"and {count(rest, 'worker')} more"))] if rest else []
    hint = text(
        "Workers tell how long they waited and computed; the rest is transfer: the link, and what "
        "both ends do for it."
    )
    drawn = _wide(charts.timeline(laid, end_s))
    yield _section("Timeline", drawn, _legend_of_time(told), *more, tag("p", {}, hint))
    amounts = bins(told.writes, end_s, BINS)
    top = max(amounts) / (end_s / BINS) if end_s > 0 else 0.0
    size = f"{megabytes(told.bytes_stored)} MB in {brief_time(end_s)}"
    shown = charts.bars(
        "throughput",
        "Throughput over time",
        f"Output written: {size}, at most {megabytes(top)} MB/s.",
        amounts,
        ("0", brief_time(end_s)),
        f"{megabytes(top)} MB/s",
    )
    yield _section("Throughput", _wide(shown))
    times_s = sorted(time for worker in told.workers.values() for time in worker.times_s)
    if times_s:
        yield _section("Times of tiles", _distribution(times_s))


def _distribution(times_s: Sequence[float]) -> Html:
    last = len(times_s) - 1
    middle, high = times_s[last // 2], times_s[round(last * 0.95)]
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
    return join([_wide(drawn), tag("p", {"id": "quantiles"}, text(words))])


def _workers(told: History) -> Html:
    by_worker: defaultdict[str, list[Attempt]] = defaultdict(list)
    for attempt in told.attempts:
        by_worker[attempt.worker].append(attempt)
    kinds = _kinds(told)
    names = ("worker", "slots", "tiles", "MB", "median", "failed", "hedges", *kinds)
    head = tag("tr", {}, *(tag("th", {"scope": "col"}, text(name)) for name in names))
    rows = [
        _worker_row(worker, totals_s(by_worker[worker.name], told.seconds), kinds)
        for worker in list(told.workers.values())[:SHOWN_WORKERS]
    ]
    rest = len(told.workers) - len(rows)
    caption = f"{count(len(told.workers), 'worker')}" + (f", {rest:,} not shown" if rest else "")
    table = tag("table", {"id": "by-worker"}, tag("caption", {}, text(caption)), head, *rows)
    return _section("Workers", _wide(table))


def _worker_row(worker: Maker, spent_s: Mapping[str, float], kinds: Sequence[str]) -> Html:
    times = sorted(worker.times_s)
    numbers = [
        str(worker.slots),
        f"{worker.stored:,}",
        megabytes(worker.bytes_out),
        brief_time(times[(len(times) - 1) // 2]) if times else "",
        str(worker.failed),
        str(worker.hedges),
    ]
    cells = [tag("td", {"class": "n"}, text(number)) for number in numbers]
    cells += [
        tag(
            "td",
            {"class": "n", "data-kind": kind, "data-value": f"{spent_s[kind]:.6f}"},
            text(brief_time(spent_s[kind])),
        )
        for kind in kinds
    ]
    name = tag("th", {"scope": "row"}, text(worker.name))
    said = {"data-worker": worker.name, "data-tiles": worker.stored, "data-failed": worker.failed}
    return tag("tr", said, name, *cells)


def _provenance(facts: Facts) -> Html:
    rows = {"started": facts.started, **facts.files, **facts.versions}
    lines = [
        tag("tr", {}, tag("th", {"scope": "row"}, text(name)), tag("td", {}, text(value)))
        for name, value in rows.items()
    ]
    return _section("Provenance", tag("table", {"id": "provenance"}, *lines))


def _proofs(told: History) -> Iterator[Html]:
    """Tell which kernel each worker computes with, and how it proved itself."""
    shown = list(told.workers.values())[:SHOWN_WORKERS]
    names = ("worker", "kernel", "what else it says", "probes that it proved, with their digests")
    head = tag("tr", {}, *(tag("th", {"scope": "col"}, text(name)) for name in names))
    if shown:
        rest = len(told.workers) - len(shown)
        said = "A worker filters probes before it gets a tile; their digests are those of SciPy."
        caption = tag("caption", {}, text(said + (f" {rest:,} not shown." if rest else "")))
        table = tag("table", {"id": "proofs"}, caption, head, *map(_proof_row, shown))
        yield _section("Kernels and attestation", _wide(table))


def _proof_row(worker: Maker) -> Html:
    proved = ", ".join(f"{probe} {digest}" for probe, digest in worker.proof.items())
    about = ", ".join(f"{key} {said}" for key, said in worker.about.items() if key != "kernel")
    words = (worker.about.get("kernel", ""), about, proved or "none")
    name = tag("th", {"scope": "row"}, text(worker.name))
    cells = (tag("td", {}, long_text(each)) for each in words)
    said = {"data-worker": worker.name, "data-probes": len(worker.proof)}
    return tag("tr", said, name, *cells)


def _remarks(told: History) -> Html:
    rows = [
        tag("li", {}, tag("time", {}, text(f"{remark.at_s:.2f} s")), text(remark.text))
        for remark in told.remarks
    ]
    rest = [text(f"and {told.unkept_remarks:,} more")] if told.unkept_remarks else []
    if not rows:
        return _section("Warnings", tag("p", {"id": "remarks"}, text("none")))
    shown = tag("ol", {"class": "remarks", "id": "remarks", "data-value": len(rows)}, *rows)
    return _section("Warnings", shown, *rest)
