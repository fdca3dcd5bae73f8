"""The report of a run: one HTML page without scripts, and without anything from elsewhere.

Every number has an `id` and its exact value in `data-value`, so that programs can read it too. The
page's own policy forbids it to load anything, should a browser ever think that it ought to.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from coordinator.report.css import CSS
from coordinator.report.html import Html, long_text, section, tag, text
from coordinator.report.log import incidents, log
from coordinator.report.maps import maps
from coordinator.report.recorder import Recorder
from coordinator.report.times import times
from coordinator.report.workers import proofs, usage, workers
from coordinator.text import brief_time, count, dtype_name, extent, megabytes

POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


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
        facts(history),
        incidents(history),
        section("Command", tag("pre", {"id": "command"}, long_text(context.command))),
        *_pictures(context.pictures),
        *maps(history),
        *times(history),
        workers(history),
        *usage(history, history.last_s),
        _provenance(context),
        *proofs(history),
        log(history),
    ]
    body = tag("body", {}, tag("main", {}, *sections))
    return f'<!doctype html>\n<html lang="en">{tag("head", {}, *head)}{body}</html>\n'


def _state(history: Recorder) -> Html:
    if history.finished is not None and history.finished.error is None:
        return tag("p", {"class": "state", "id": "state"}, text("done: the output is whole"))
    why = history.finished.error if history.finished is not None else "it did not end in good order"
    return tag("p", {"class": "state failed", "id": "state"}, text(f"failed: {why}"))


def facts(history: Recorder) -> Html:
    """Return the numbers of a run."""
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
        yield section("Input and output", tag("div", {"class": "pair"}, *drawn))


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


def _provenance(context: Context) -> Html:
    rows = {"started": context.started, **context.files, **context.versions}
    lines = [
        tag("tr", {}, tag("th", {"scope": "row"}, text(name)), tag("td", {}, text(value)))
        for name, value in rows.items()
    ]
    return section("Provenance", tag("table", {"id": "provenance"}, *lines))
