"""The colours and characters of the display: one table each for full and for plain terminals.

Every state has a character of its own, so that nothing is told by colour alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from coordinator.display.tile_map import Look
from coordinator.history.history import State


@dataclass(frozen=True, slots=True)
class Glyphs:
    """Characters to draw with."""

    looks: dict[Look, str]
    full: str
    empty: str
    parts: str  # the eighths of a cell of the bar, smallest first
    spark: bool
    ellipsis: str


UNICODE: Final = Glyphs(
    {Look.WAITING: "·", Look.FLYING: "▒", Look.PARTLY: "▓", Look.STORED: "█", Look.FAILED: "!"},
    full="█",
    empty="░",
    parts="▏▎▍▌▋▊▉",
    spark=True,
    ellipsis="…",
)
ASCII: Final = Glyphs(
    {Look.WAITING: ".", Look.FLYING: "~", Look.PARTLY: "+", Look.STORED: "#", Look.FAILED: "!"},
    full="#",
    empty=".",
    parts="",
    spark=False,
    ellipsis="~",
)

LOOK_STYLES: Final = {
    Look.WAITING: "bright_black",
    Look.FLYING: "cyan",
    Look.PARTLY: "green",
    Look.STORED: "green",
    Look.FAILED: "bold red",
}
LOOK_WORDS: Final = {
    Look.STORED: "stored",
    Look.PARTLY: "partly stored",
    Look.FLYING: "in flight",
    Look.FAILED: "to retry",
    Look.WAITING: "waiting",
}
STATE_STYLES: Final = {
    State.GREETING: "bright_black",
    State.READY: "default",
    State.WORKING: "cyan",
    State.BUSY: "default",
    State.FAILING: "yellow",
    State.EJECTED: "bold red",
    State.LOST: "bold red",
}
WORKER_STYLES: Final = ("green", "blue", "magenta", "yellow", "cyan", "bright_green", "bright_blue")
WORKER_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"
TITLE: Final = "bright_black"
BAR: Final = "green"
TROUBLE: Final = "bold red"
EMPHASIS: Final = "bold"
