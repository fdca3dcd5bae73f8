"""The log of a run in words, and a sentence for each lost worker."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from coordinator.history.history import ABSENT
from coordinator.report.html import Html, section, tag, text
from coordinator.report.maps import SHOWN_WORKERS
from coordinator.text import brief_time, count

if TYPE_CHECKING:
    from coordinator.report.recorder import Recorder


def incidents(history: Recorder) -> Html:
    """Return who was lost, when, and what became of its tiles; an empty list if nobody was."""
    rows = [tag("li", {}, text(words)) for words in _lost(history)]
    if (rest := len(rows) - SHOWN_WORKERS) > 0:
        rows = [*rows[:SHOWN_WORKERS], tag("li", {}, text(f"and {count(rest, 'worker')} more"))]
    return tag("ul", {"class": "failed", "id": "incidents"}, *rows)


def _lost(history: Recorder) -> Iterator[str]:
    for name, at_s in history.losses.items():
        moved = f", {count(history.moved[name], 'tile')} moved" if history.moved[name] else ""
        back = "" if history.workers[name].standing in ABSENT else ", came back"
        yield f"{name} lost at {brief_time(at_s)}{moved}{back}"


def log(history: Recorder) -> Html:
    """Return a line for each event that a user cares about, in the order of time."""
    rows = [
        tag("li", {}, tag("time", {}, text(f"{remark.at_s:.2f} s")), text(remark.text))
        for remark in history.log()
    ]
    rest = [text(f"and {history.unkept_remarks:,} more")] if history.unkept_remarks else []
    shown = tag("ol", {"class": "remarks", "id": "remarks", "data-value": len(rows)}, *rows)
    return section("Log", shown, *rest)
