"""The report of a run: one HTML page without scripts, and without anything from elsewhere.

Every number has an `id` and its exact value in `data-value`, so that programs can read it too. The
page's own policy forbids it to load anything, should a browser ever think that it ought to.
"""

from __future__ import annotations

import base64
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

from coordinator.history.history import AttemptRecord, WorkerRecord, quantiles
from coordinator.history.tile_map import MapCells, longest_axes
from coordinator.report import charts
from coordinator.report.css import CSS
from coordinator.report.html import Html, join, long_text, tag, text
from coordinator.report.recorder import Recorder
from coordinator.report.timeline import KINDS, UNKNOWN, Span, bins, lanes, totals_s
from coordinator.text import brief_time, count, dtype_name, extent, megabytes

POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
MAP_SIZE: Final = (64, 96)
BINS: Final = 60
SHOWN_WORKERS: Final = 40
"""Of the timeline and the tables: more is no longer read; the rest is summed up."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Picture:
    """A thumbnail; `seams` are shares of its height and width at which a tile begins."""

    caption: str
    png: bytes
    seams: tuple[tuple[float, ...], tuple[float, ...]] = ((), ())


@dataclass(frozen=True, slots=True)
class Context:
    """What stands in a report beside the history.

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


def render(history: Recorder, context: Context) -> str:
    """Return the page."""
    run = history.run
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
        _state(history),
        _summary(history),
        _section("Command", tag("pre", {"id": "command"}, long_text(context.command))),
        *_pictures(context.pictures),
        *_maps(history),
        *_times(history),
        _workers(history),
        _provenance(context),
        *_proofs(history),
        _remarks(history),
    ]
    body = tag("body", {}, tag("main", {}, *sections))
    return f'<!doctype html>\n<html lang="en">{tag("head", {}, *head)}{body}</html>\n'


def _section(title: str, *children: Html) -> Html:
    return tag("section", {}, tag("h2", {}, text(title)), *children)


def _wide(child: Html) -> Html:
    """Let what is wide be scrolled on a phone."""
    return tag("div", {"class": "wide"}, child)


def _state(history: Recorder) -> Html:
    if history.finished is not None and history.finished.error is None:
        return tag("p", {"class": "state", "id": "state"}, text("done: the output is whole"))
    why = history.finished.error if history.finished is not None else "it did not end in good order"
    return tag("p", {"class": "state failed", "id": "state"}, text(f"failed: {why}"))


def _summary(history: Recorder) -> Html:
    run = history.run
    rows: list[tuple[str, str, object, str]] = []
    if run is not None:
        stages = f" in the last of {run.stages} stages" if run.stages > 1 else ""
        tile = extent(run.tile_shape)
        rows += [
            ("shape", "array", extent(run.shape), f"{extent(run.shape)} {dtype_name(run.dtype)}"),
            ("tiles", "tiles", history.tiles, f"{history.tiles:,} of {tile}{stages}"),
            ("halo", "halo overhead", run.halo_overhead, f"{run.halo_overhead:.1%}"),
        ]
    speed = history.meter.total / history.last_s if history.last_s > 0 else 0.0
    rows += [
        ("stored", "tiles stored", history.stored, f"{history.stored:,}"),
        ("kept", "kept from before", history.kept, f"{history.kept:,}"),
        ("bytes", "written", history.meter.total, f"{megabytes(history.meter.total)} MB"),
        ("seconds", "took", f"{history.last_s:.6f}", brief_time(history.last_s)),
        *_if_known(history),
        ("speed", "speed", f"{speed:.0f}", f"{megabytes(speed)} MB/s"),
        ("workers", "workers", len(history.workers), f"{len(history.workers):,}"),
        ("retries", "retries", history.retries, f"{history.retries:,}"),
        ("hedges", "hedges", history.hedges, f"{history.hedges:,}"),
    ]
    entries = [
        tag(
            "div",
            {},
            tag("dt", {}, text(name)),
            tag("dd", {"id": key, "data-value": value}, text(shown)),
        )
        for key, name, value, shown in rows
    ]
    return tag("dl", {"class": "facts"}, *entries)


def _if_known(history: Recorder) -> Iterator[tuple[str, str, object, str]]:
    """Yield what the run was expected to take, and what SciPy computed once more."""
    if expected_s := history.expected_s:
        yield "expected", "expected", f"{expected_s:.6f}", brief_time(expected_s)
    if history.verified is not None:
        tiles, of = history.verified
        yield "verified", "equal to SciPy's", tiles, f"{tiles:,} of {count(of, 'tile')}"


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


def _maps(history: Recorder) -> Iterator[Html]:
    if history.run is None or history.run.tiles < 2:
        return
    cells = MapCells(history.run.grid, MAP_SIZE)
    aspect = _aspect(history.run.grid, history.run.tile_shape, cells.fold)
    shared = f" A cell stands for {extent(cells.fold)} tiles." if cells.fold != (1, 1) else ""
    by_worker = ", ".join(f"{w.name} {w.stored}" for w in history.workers.values() if w.stored)

    def most_common(names: list[str]) -> tuple[str, str]:
        name, _ = Counter(names).most_common(1)[0]
        return charts.colour(history.workers[name].number), name

    drawn = charts.cells(
        "map-worker",
        "Tiles by worker",
        f"Tiles made by each worker: {by_worker}.{shared}",
        _drawn_cells(cells, history.makers, most_common),
        aspect,
    )
    shown = [name for name, each in history.workers.items() if each.stored][:SHOWN_WORKERS]
    legend = _legend((_dot(charts.colour(history.workers[name].number)), name) for name in shown)
    left = tag("div", {}, tag("h2", {}, text("Tiles by worker")), drawn, legend)
    end_s = history.last_s or 1.0

    def mean_time(times_s: list[float]) -> tuple[str, str]:
        mean_s = sum(times_s) / len(times_s)
        return _shade(mean_s / end_s), f"stored at {brief_time(mean_s)}"

    drawn = charts.cells(
        "map-time",
        "Tiles by time",
        f"When each tile was stored, from 0 to {brief_time(end_s)}.{shared}",
        _drawn_cells(cells, history.stored_s, mean_time),
        aspect,
    )
    ends = [(_dot(_shade(at)), word) for at, word in ((0, "early"), (0.5, "half-way"), (1, "late"))]
    right = tag("div", {}, tag("h2", {}, text("Tiles by time")), drawn, _legend(ends))
    yield tag("section", {"class": "pair"}, left, right)


def _drawn_cells(
    cells: MapCells, of_tiles: Mapping[int, T], draw: Callable[[list[T]], tuple[str, str]]
) -> list[list[tuple[str, str] | None]]:
    """Draw every cell of a map that has tiles, from the values of its tiles."""
    found: defaultdict[int, list[T]] = defaultdict(list)
    for tile, value in of_tiles.items():
        found[cells.index(tile)].append(value)
    height, width = cells.shape
    return [
        [draw(found[i]) if i in found else None for i in range(row * width, (row + 1) * width)]
        for row in range(height)
    ]


def _aspect(grid: tuple[int, ...], tile: tuple[int, ...], fold: tuple[int, int]) -> float:
    """Return height over width of a cell, as on the array, within what can still be seen."""
    if len(grid) < 2:
        return 1.0
    down, across = longest_axes(grid)
    return min(4.0, max(0.25, tile[down] * fold[0] / (tile[across] * fold[1])))


def _shade(share: float) -> str:
    return f"hsl({260 - 210 * share:.0f} 65% {40 + 22 * share:.0f}%)"


def _dot(fill: str) -> Html:
    return charts.swatch(charts.rect(0, 0, charts.BAND, charts.BAND, fill=fill))


def _legend(entries: Iterable[tuple[Html, str]]) -> Html:
    rows = [tag("li", {}, swatch, text(words)) for swatch, words in entries]
    return tag("ul", {"class": "legend"}, *rows)


def _kinds(history: Recorder) -> list[str]:
    """Return the kinds of time to list: without the unknown one, if no worker has any."""
    unknown_s = totals_s(history.attempts, history.last_s)[UNKNOWN]
    return [kind for kind in KINDS if kind != UNKNOWN or unknown_s]


def _legend_of_time(history: Recorder) -> Html:
    wide = 2 * charts.BAND
    entries = [
        (
            charts.swatch(charts.kind_of_time(0, 0, wide, kind), width=wide),
            f"{kind} ({charts.SHAPES[kind][2]})",
        )
        for kind in _kinds(history)
    ]
    return _legend([*entries, (charts.swatch(width=wide), "waiting for a tile (empty)")])


def _times(history: Recorder) -> Iterator[Html]:
    if not history.attempts:
        return
    end_s = history.last_s
    by_worker: defaultdict[str, list[AttemptRecord]] = defaultdict(list)
    for attempt in history.attempts:
        by_worker[attempt.worker].append(attempt)
    worker_lanes: dict[str, list[list[Span]]] = {
        name: lanes(each, end_s) for name, each in list(by_worker.items())[:SHOWN_WORKERS]
    }
    rest = len(by_worker) - len(worker_lanes)
    more = [tag("p", {}, text(f"and {count(rest, 'worker')} more"))] if rest else []
    hint = text(
        "Workers tell how long they waited and computed; the rest is transfer: the link, and what "
        "both ends do for it."
    )
    drawn = _wide(charts.timeline(worker_lanes, end_s))
    yield _section("Timeline", drawn, _legend_of_time(history), *more, tag("p", {}, hint))
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
    yield _section("Throughput", _wide(shown))
    times_s = sorted(time for worker in history.workers.values() for time in worker.times_s)
    if times_s:
        yield _section("Times of tiles", _distribution(times_s))


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
    return join([_wide(drawn), tag("p", {"id": "quantiles"}, text(words))])


def _workers(history: Recorder) -> Html:
    by_worker: defaultdict[str, list[AttemptRecord]] = defaultdict(list)
    for attempt in history.attempts:
        by_worker[attempt.worker].append(attempt)
    kinds = _kinds(history)
    names = ("worker", "slots", "tiles", "MB", "median", "failed", "hedges", *kinds)
    head = tag("tr", {}, *(tag("th", {"scope": "col"}, text(name)) for name in names))
    rows = [
        _worker_row(worker, totals_s(by_worker[worker.name], history.last_s), kinds)
        for worker in list(history.workers.values())[:SHOWN_WORKERS]
    ]
    rest = len(history.workers) - len(rows)
    caption = f"{count(len(history.workers), 'worker')}" + (f", {rest:,} not shown" if rest else "")
    table = tag("table", {"id": "by-worker"}, tag("caption", {}, text(caption)), head, *rows)
    return _section("Workers", _wide(table))


def _worker_row(worker: WorkerRecord, spent_s: Mapping[str, float], kinds: Sequence[str]) -> Html:
    middle = worker.quantiles()
    numbers = [
        str(worker.slots),
        f"{worker.stored:,}",
        megabytes(worker.meter.total),
        brief_time(middle[0]) if middle else "",
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
    data = {"data-worker": worker.name, "data-tiles": worker.stored, "data-failed": worker.failed}
    return tag("tr", data, name, *cells)


def _provenance(context: Context) -> Html:
    rows = {"started": context.started, **context.files, **context.versions}
    lines = [
        tag("tr", {}, tag("th", {"scope": "row"}, text(name)), tag("td", {}, text(value)))
        for name, value in rows.items()
    ]
    return _section("Provenance", tag("table", {"id": "provenance"}, *lines))


def _proofs(history: Recorder) -> Iterator[Html]:
    """Return the table of each worker's kernel and of the probes that it proved."""
    shown = list(history.workers.values())[:SHOWN_WORKERS]
    names = ("worker", "kernel", "what else it says", "probes that it proved, with their digests")
    head = tag("tr", {}, *(tag("th", {"scope": "col"}, text(name)) for name in names))
    if shown:
        rest = len(history.workers) - len(shown)
        words = "A worker filters probes before it gets a tile; their digests are those of SciPy."
        caption = tag("caption", {}, text(words + (f" {rest:,} not shown." if rest else "")))
        table = tag("table", {"id": "proofs"}, caption, head, *map(_proof_row, shown))
        yield _section("Kernels and attestation", _wide(table))


def _proof_row(worker: WorkerRecord) -> Html:
    proved = ", ".join(f"{probe} {digest}" for probe, digest in worker.proof.items())
    about = ", ".join(f"{key} {value}" for key, value in worker.about.items() if key != "kernel")
    words = (worker.about.get("kernel", ""), about, proved or "none")
    name = tag("th", {"scope": "row"}, text(worker.name))
    cells = (tag("td", {}, long_text(each)) for each in words)
    data = {"data-worker": worker.name, "data-probes": len(worker.proof)}
    return tag("tr", data, name, *cells)


def _remarks(history: Recorder) -> Html:
    rows = [
        tag("li", {}, tag("time", {}, text(f"{remark.at_s:.2f} s")), text(remark.text))
        for remark in history.remarks
    ]
    rest = [text(f"and {history.unkept_remarks:,} more")] if history.unkept_remarks else []
    if not rows:
        return _section("Warnings", tag("p", {"id": "remarks"}, text("none")))
    shown = tag("ol", {"class": "remarks", "id": "remarks", "data-value": len(rows)}, *rows)
    return _section("Warnings", shown, *rest)
