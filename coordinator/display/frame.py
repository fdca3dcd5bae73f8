"""A frame of the rich display: header, overall bar, workers, tile map, last event.

    in.npy  1024x768x3 int32  gaussian_filter    input and filter
    12 tiles of ...  halo 3.1 %  2 workers       tiles
    ██████████░░░░░  62 %  ...                   progress
    worker      tiles  ...  state                workers
    map of the tiles                             tile map
    ████▒▒··
    ...

A frame is a list of lines that fits into the room it is given. Header, bar and footer are always
there; workers and map share what is left.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rich.text import Text

from coordinator.display.closing import closing_lines, lost_lines
from coordinator.display.style import (
    BAR,
    EMPHASIS,
    LOOK_STYLES,
    LOOK_WORDS,
    TITLE,
    TROUBLE,
    WORKER_LETTERS,
    WORKER_STYLES,
    Glyphs,
)
from coordinator.display.tally import Tally
from coordinator.display.tile_map import NOBODY, Look, MapView
from coordinator.display.worker_table import shorten, worker_lines
from coordinator.text import brief_time, clock, count, dtype_name, extent, inert, megabytes, wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDE: Final = 100  # columns from which the bar and its numbers share a line
NEWS_LINES: Final = 3  # of a reason that is long
LEAST_MAP: Final = 2  # rows: one of tiles, and the legend
MAP_SHARE: Final = 0.5  # of the free rows, when workers and map both want more than there are


@dataclass(frozen=True, slots=True)
class Size:
    """Columns and rows to draw in."""

    columns: int
    rows: int


def frame(
    tally: Tally, now: float, size: Size, glyphs: Glyphs, *, by_worker: bool = False
) -> list[Text]:
    """Draw all there is to show at `now`; the map by state, or by the worker of each tile."""
    head = [*_header(tally, size.columns), *_bar_lines(tally, now, size.columns, glyphs)]
    foot = _footer(tally, now, size.columns)
    free = size.rows - len(head) - len(foot)
    wanted = len(tally.workers) + 1
    map_rows = max(free - wanted, int(free * MAP_SHARE))
    draw_map = maker_lines if by_worker else map_lines
    chart = draw_map(tally, size.columns, map_rows, glyphs)
    workers = worker_lines(
        list(tally.workers.values()), tally.at_s(now), size.columns, free - len(chart), glyphs
    )
    sections = [head, workers, chart, foot]
    airy = sum(len(section) for section in sections) + len(sections) <= size.rows
    gap = [Text()] if airy else []
    lines = [line for section in sections if section for line in [*gap, *section]][len(gap) :]
    return [shorten(line, size.columns, glyphs) for line in lines[: size.rows]]


def _header(tally: Tally, width: int) -> list[Text]:
    if (run := tally.run) is None:
        fleet = [Text(tally.fleet(), TITLE)] if tally.workers else []
        return [Text("starting", EMPHASIS), *fleet]
    what = [
        Text(inert(run.input), EMPHASIS),
        Text(f"{extent(run.shape)} {dtype_name(run.dtype)}"),
        Text(inert(run.filter)),
    ]
    how = [
        *(Text(words) for words in tally.stage_words()),
        Text(f"{count(run.tiles, 'tile')} of {extent(run.tile_shape)}", TITLE),
        Text(f"halo {run.halo_overhead:.1%}", TITLE),
        Text(tally.fleet(), TITLE),
    ]
    return [*_flow(what, width), *_flow(how, width)]


def _flow(parts: Sequence[Text], width: int) -> list[Text]:
    """Put parts side by side, on a further line where they do not fit."""
    lines = [parts[0]]
    for part in parts[1:]:
        if lines[-1].cell_len + 2 + part.cell_len <= width:
            lines[-1].append("  ").append_text(part)
        else:
            lines.append(part)
    return lines


def _bar_lines(tally: Tally, now: float, width: int, glyphs: Glyphs) -> list[Text]:
    done = operator.truediv(*tally.progress())
    numbers = _numbers(tally, now)
    while len(text := "  ".join(numbers)) > width and len(numbers) > 1:
        numbers.pop(-2)
    if width < WIDE:
        return [_bar(done, width, glyphs), Text(text)]
    return [_bar(done, width - len(text) - 2, glyphs).append(f"  {text}", "default")]


def _numbers(tally: Tally, now: float) -> list[str]:
    """Return the numbers beside the bar; the least important stands last but one."""
    (done, whole), tiles = tally.progress(), tally.run.tiles if tally.run else 0
    numbers = [
        f"{int(done * 100 / whole):3d} %",
        f"{tally.stage_tiles:>{len(f'{tiles:,}')},}/{tiles:,}",
        f"{megabytes(tally.rate(now)):>6} MB/s",
    ]
    if tally.finished is not None:
        return [*numbers, f"in {brief_time(tally.elapsed_s(now))}"]
    elapsed, left = clock(tally.elapsed_s(now)), clock(tally.left_s(now))
    return [*numbers, f"{elapsed:>5} elapsed", f"{left:>5} left"]


def _bar(done: float, width: int, glyphs: Glyphs) -> Text:
    steps = len(glyphs.parts) + 1
    full, part = divmod(int(done * width * steps), steps)
    bar = glyphs.full * full + (glyphs.parts[part - 1] if part else "")
    return Text(bar, BAR).append(glyphs.empty * (width - len(bar)), TITLE)


def map_lines(tally: Tally, width: int, rows: int, glyphs: Glyphs) -> list[Text]:
    """Draw the tile map, its heading and its legend in at most `rows` lines; two at least."""
    down, across = tally.map.shape
    if rows < 2 or down * across < 2:
        return []
    per_cell = 2 if across * 2 <= width else 1  # two characters are about a square
    heading = _heading("map of the tiles", rows)
    view = tally.map.view(rows - 1 - len(heading), width)
    lines = [_map_row(row, per_cell, glyphs) for row in view.looks]
    return [*heading, *lines, _legend(view, width, glyphs)]


def maker_lines(tally: Tally, width: int, rows: int, glyphs: Glyphs) -> list[Text]:
    """Draw the tile map with a letter and a colour for each worker; the rest is as in `map_lines`.

    A cell of several tiles shows one of their makers.
    """
    down, across = tally.map.shape
    if rows < 2 or down * across < 2:
        return []
    per_cell = 2 if across * 2 <= width else 1
    heading = _heading("map of the tiles, by worker", rows)
    room = rows - 1 - len(heading), width
    view, makers = tally.map.view(*room), tally.map.makers(*room)
    lines = heading
    for looks, names in zip(view.looks, makers, strict=True):
        line = Text()
        for look, maker in zip(looks, names, strict=True):
            done = look in {Look.STORED, Look.PARTLY} and maker != NOBODY
            letter, style = maker_look(maker) if done else (glyphs.looks[look], LOOK_STYLES[look])
            line.append(letter * per_cell, style)
        lines.append(line)
    legend = Text()
    for worker in tally.workers.values():
        letter, style = maker_look(worker.number)
        if worker.stored and legend.cell_len + len(worker.name) + 4 <= width:
            legend.append(letter, style).append(f" {inert(worker.name)}  ", TITLE)
    legend.rstrip()
    return [*lines, legend]


def _heading(words: str, rows: int) -> list[Text]:
    """Return the heading of a map, if there is a row for it."""
    return [Text(words, TITLE)] if rows > LEAST_MAP else []


def maker_look(number: int) -> tuple[str, str]:
    """Return letter and colour of a worker; they come round again after some."""
    letter = WORKER_LETTERS[number % len(WORKER_LETTERS)]
    return letter, WORKER_STYLES[number % len(WORKER_STYLES)]


def _map_row(row: tuple[Look, ...], per_cell: int, glyphs: Glyphs) -> Text:
    line = Text()
    start = 0
    for end in range(1, len(row) + 1):
        if end == len(row) or row[end] is not row[start]:
            line.append(
                glyphs.looks[row[start]] * per_cell * (end - start), LOOK_STYLES[row[start]]
            )
            start = end
    return line


def _legend(view: MapView, width: int, glyphs: Glyphs) -> Text:
    """Explain the looks; where it is narrow, those that explain themselves are left out."""
    folded = view.fold != (1, 1) or view.depth > 1
    parts = {
        look: Text(glyphs.looks[look], LOOK_STYLES[look]).append(f" {words}", TITLE)
        for look, words in LOOK_WORDS.items()
        if folded or look is not Look.PARTLY
    }
    scale = f"a cell: {extent(view.fold)} tiles" if folded else ""
    scale += f", {view.depth} deep" if view.depth > 1 else ""
    for obvious in (Look.WAITING, Look.PARTLY, Look.FAILED, Look.FLYING):
        if sum(part.cell_len + 2 for part in parts.values()) + len(scale) > width:
            parts.pop(obvious, None)
    legend = Text("  ").join([*parts.values(), Text(scale, TITLE)])
    legend.rstrip()
    return legend


def _footer(tally: Tally, now: float, width: int) -> list[Text]:
    """Return the last news; of a run that is over, how it ended."""
    if tally.finished is not None:
        if tally.written is None and tally.finished.error is None:
            return [Text("done", BAR)]
        style = TROUBLE if tally.finished.error else BAR
        lost = () if tally.finished.error else lost_lines(tally)
        styled = [(line, style) for line in closing_lines(tally, now)]
        styled += [(line, TROUBLE) for line in lost]
        return [Text(part, s) for line, s in styled for part in wrapped(line, width)]
    if tally.news is None:
        return [Text("")]
    news = f"{clock(tally.since_start_s(tally.news.at_s))}  {inert(tally.news.text)}"
    return [Text(line, "yellow") for line in wrapped(news, width)[:NEWS_LINES]]
