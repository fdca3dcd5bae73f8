"""Charts as inline SVG, each with a title and a description in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from coordinator.report.html import Html, join, tag, text
from coordinator.report.timeline import (
    COMPUTING,
    HEDGED,
    KINDS,
    RETRIED,
    STORING,
    TRANSFER,
    UNKNOWN,
    WAITING,
    Span,
)
from coordinator.text import brief_time, count

WIDTH: Final = 720
HEIGHT: Final = 160
LANE: Final = 12
BAND: Final = 10
LABEL: Final = 14

SHAPES: Final[Mapping[str, tuple[float, float, str]]] = {
    COMPUTING: (0.0, 1.0, "full height"),
    TRANSFER: (0.3, 0.4, "a band in the middle"),
    WAITING: (0.44, 0.12, "a thin line"),
    STORING: (0.7, 0.3, "a band at the foot"),
    HEDGED: (0.05, 0.9, "a hollow box"),
    RETRIED: (0.05, 0.9, "a dashed box"),
    UNKNOWN: (0.15, 0.7, "a broad band"),
}
"""Top and height of each kind within its lane, and in words: colour alone tells none."""


def colour(index: int) -> str:
    """Return the colour of a worker: hues by the golden angle, so that neighbours differ.

    >>> colour(0)
    'hsl(210 60% 52%)'
    """
    return f"hsl({(210 + 137.508 * index) % 360:.0f} {60 - index % 3 * 12}% {52 + index % 2 * 8}%)"


def figure(name: str, title: str, description: str, size: tuple[float, float], body: Html) -> Html:
    """Return a drawing with its words."""
    width, height = size
    head = tag("title", {"id": f"{name}-title"}, text(title))
    head = join([head, tag("desc", {"id": f"{name}-desc"}, text(description))])
    attributes = {
        "id": name,
        "viewBox": f"0 0 {width:g} {height:g}",
        "role": "img",
        "aria-labelledby": f"{name}-title {name}-desc",
        "preserveAspectRatio": "xMinYMin meet",
    }
    return tag("svg", attributes, head, body)


def rect(
    x: float,
    y: float,
    width: float,
    height: float,
    *,
    kind: str = "",
    fill: str = "",
    title: str = "",
) -> Html:
    """Return a rectangle: of a class, or of a colour; with words that a pointer shows."""
    attributes = {
        "x": f"{x:.2f}",
        "y": f"{y:.2f}",
        "width": f"{max(width, 0.3):.2f}",
        "height": f"{height:.2f}",
        **({"class": kind} if kind else {"fill": fill}),
    }
    return tag("rect", attributes, *((tag("title", {}, text(title)),) if title else ()))


def label(x: float, y: float, words: str, anchor: str = "start") -> Html:
    """Return words in a drawing."""
    return tag("text", {"x": f"{x:.1f}", "y": f"{y:.1f}", "text-anchor": anchor}, text(words))


def bars(
    name: str,
    title: str,
    description: str,
    amounts: Sequence[float],
    ends: tuple[str, str],
    top: str,
) -> Html:
    """Draw amounts side by side, the largest at full height; `top` is what that is."""
    most = max(amounts, default=0.0) or 1.0
    step = WIDTH / max(1, len(amounts))
    drawn = [
        rect(i * step, LABEL + HEIGHT * (1 - a / most), step * 0.9, HEIGHT * a / most, kind="bar")
        for i, a in enumerate(amounts)
        if a > 0
    ]
    base = LABEL + HEIGHT
    words = [
        rect(0, base, WIDTH, 1, kind="axis"),
        label(0, LABEL - 4, top),
        label(0, base + LABEL, ends[0]),
        label(WIDTH, base + LABEL, ends[1], "end"),
    ]
    return figure(name, title, description, (WIDTH, base + LABEL + 4), join([*drawn, *words]))


def kind_of_time(x: float, y: float, width: float, kind: str) -> Html:
    """Return a stretch of time in a lane whose top is at `y`."""
    top, height, _ = SHAPES[kind]
    return rect(x, y + top * BAND, width, height * BAND, kind=f"k{KINDS.index(kind)}")


def swatch(*drawn: Html, width: float = BAND) -> Html:
    """Return the small picture before an entry of a legend."""
    size = {"viewBox": f"0 0 {width:g} {BAND}", "aria-hidden": "true"}
    return tag("svg", size, rect(0, 0, width, BAND, kind="idle"), *drawn)


def timeline(workers: Mapping[str, Sequence[Sequence[Span]]], end_s: float) -> Html:
    """Draw every worker's lanes over the time of the run."""
    y, drawn = 0.0, []
    scale = WIDTH / end_s if end_s > 0 else 0.0
    for name, lanes in workers.items():
        drawn.append(label(0, y + LABEL - 3, name))
        y += LABEL
        for lane in lanes:
            drawn.append(rect(0, y, WIDTH, BAND, kind="idle"))
            drawn += [
                kind_of_time(span.start_s * scale, y, span.seconds * scale, span.kind)
                for span in lane
            ]
            y += LANE
        y += 4
    words = [label(0, y + LABEL, "0"), label(WIDTH, y + LABEL, brief_time(end_s), "end")]
    description = (
        f"Lanes of {count(len(workers), 'worker')} over {brief_time(end_s)}: "
        + ", ".join(
            f"{name} had at most {len(lanes)} tiles in hand" for name, lanes in workers.items()
        )
    )
    return figure(
        "timeline",
        "Timeline by worker",
        description,
        (WIDTH, y + LABEL + 4),
        join([*drawn, *words]),
    )


def cells(
    name: str,
    title: str,
    description: str,
    rows: Sequence[Sequence[tuple[str, str] | None]],
    aspect: float = 1.0,
) -> Html:
    """Draw a map: each cell has a colour and words, or is empty; `aspect` is height over width."""
    across = max((len(row) for row in rows), default=1) or 1
    side = min(WIDTH / across, 64.0)
    named = sum(map(len, rows)) <= 1500
    drawn = []
    for y, row in enumerate(rows):
        for x, cell in enumerate(row):
            place = x * side, y * side * aspect, side * 0.94, side * (aspect - 0.06)
            if cell is None:
                drawn.append(rect(*place, kind="idle"))
            else:
                drawn.append(rect(*place, fill=cell[0], title=cell[1] if named else ""))
    size = max(across * side, WIDTH / 3), max(1, len(rows)) * side * aspect
    return figure(name, title, description, size, join(drawn))
