"""Charts as inline SVG, each with a title and a description in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from coordinator.report.html import Html, join, tag, text
from coordinator.report.timeline import (
    COMPUTING,
    FLYING,
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
STEPS_HEIGHT: Final = 48
SIDE: Final = 24
"""Of a cell; a map is then as large as its place."""

Step: TypeAlias = tuple[float, float, float]
"""From when to when, in seconds, and how much."""

SHAPES: Final[Mapping[str, tuple[float, float, str]]] = {
    COMPUTING: (0.0, 1.0, "full height"),
    TRANSFER: (0.3, 0.4, "a band in the middle"),
    WAITING: (0.44, 0.12, "a thin line"),
    STORING: (0.7, 0.3, "a band at the foot"),
    HEDGED: (0.05, 0.9, "a hollow box"),
    RETRIED: (0.05, 0.9, "a dashed box"),
    UNKNOWN: (0.15, 0.7, "a broad band"),
    FLYING: (0.15, 0.7, "a hollow band"),
}
"""Top and height of each kind within its lane, and in words: colour alone tells none."""


def colour(index: int) -> str:
    """Return the colour of a worker: hues by the golden angle, so that neighbours differ.

    >>> colour(0)
    'hsl(210 60% 52%)'
    """
    return f"hsl({(210 + 137.508 * index) % 360:.0f} {60 - index % 3 * 12}% {52 + index % 2 * 8}%)"


def figure(
    name: str,
    title: str,
    description: str,
    size: tuple[float, float],
    body: Html,
    *,
    stretched: bool = False,
) -> Html:
    """Return a drawing with its words; a stretched one keeps its height at any width."""
    width, height = size
    head = tag("title", {"id": f"{name}-title"}, text(title))
    head = join([head, tag("desc", {"id": f"{name}-desc"}, text(description))])
    attributes = {
        "id": name,
        "viewBox": f"0 0 {width:g} {height:g}",
        "role": "img",
        "aria-labelledby": f"{name}-title {name}-desc",
        "preserveAspectRatio": "none" if stretched else "xMinYMin meet",
        **({"height": f"{height:g}", "class": "stretched"} if stretched else {}),
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


def lane_rows(number: int, name: str, lanes: Sequence[Sequence[Span]], end_s: float) -> Html:
    """Draw one worker's lanes over the time of the run; as wide as there is room, or zoom."""
    scale = WIDTH / end_s if end_s > 0 else 0.0
    drawn = []
    for row, lane in enumerate(lanes):
        drawn.append(rect(0, row * LANE, WIDTH, BAND, kind="idle"))
        drawn += [
            kind_of_time(span.start_s * scale, row * LANE, span.seconds * scale, span.kind)
            for span in lane
        ]
    return figure(
        f"timeline-{number}",
        f"Timeline of {name}",
        f"At most {count(len(lanes), 'tile')} in hand over {brief_time(end_s)}.",
        (WIDTH, len(lanes) * LANE),
        join(drawn),
        stretched=True,
    )


def steps(
    name: str, title: str, description: str, amounts: Sequence[Step], end_s: float, top: float
) -> Html:
    """Draw an amount that is constant for a while, over the time of the run."""
    across, up = WIDTH / (end_s or 1.0), STEPS_HEIGHT / (top or 1.0)
    path = "".join(
        f"M{start_s * across:.1f} {STEPS_HEIGHT}V{STEPS_HEIGHT - amount * up:.1f}"
        f"H{stop_s * across:.1f}V{STEPS_HEIGHT}Z"
        for start_s, stop_s, amount in amounts
    )
    body = [rect(0, 0, WIDTH, STEPS_HEIGHT, kind="idle"), tag("path", {"class": "bar", "d": path})]
    size = WIDTH, STEPS_HEIGHT
    return figure(name, title, description, size, join(body), stretched=True)


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a map: its words, and a colour or a class of the style sheet."""

    words: str
    fill: str = ""
    kind: str = ""


def cells(
    name: str,
    title: str,
    description: str,
    rows: Sequence[Sequence[Cell | None]],
    aspect: float = 1.0,
    *,
    worded: bool = True,
) -> Html:
    """Draw a map of cells, or of none where nothing is; `aspect` is height over width.

    `worded`: a pointer shows the words of a cell.
    """
    across = max((len(row) for row in rows), default=1) or 1
    drawn = []
    for y, row in enumerate(rows):
        for x, cell in enumerate(row):
            place = x * SIDE, y * SIDE * aspect, SIDE * 0.94, SIDE * aspect - SIDE * 0.06
            if cell is None:
                drawn.append(rect(*place, kind="idle"))
            else:
                words = cell.words if worded else ""
                drawn.append(rect(*place, kind=cell.kind, fill=cell.fill, title=words))
    size = across * SIDE, max(1, len(rows)) * SIDE * aspect
    return figure(name, title, description, size, join(drawn))
