"""A live page as parts; each is drawn at a pace that its cost sets."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from coordinator.display.listener import pause_after
from coordinator.report.html import Html

EVERY_S: Final = 0.25
"""Between two drawings of what is cheap to draw."""

NOTHING: Final = Html("")


class Page(Protocol):
    """What a live page shows."""

    title: str

    def take_in(self) -> None:
        """Add what happened since the last time to the state of the page."""

    def parts(self, now: float) -> dict[str, Html]:
        """Return all parts of the page, in their order; the same ones each time."""

    def close(self) -> None:
        """Take nothing more: nobody looks at the page any longer."""


@dataclass(slots=True)
class Part:
    """A part of a page, and when it is worth its cost to draw it again."""

    draw: Callable[[], Html]
    drawn: Html = NOTHING
    due_s: float = 0.0

    def at(self, now: float) -> Html:
        """Return the part as it is, or was not long ago."""
        if now >= self.due_s:
            before_s = time.thread_time()
            self.drawn = self.draw()
            self.due_s = now + pause_after(time.thread_time() - before_s, EVERY_S)
        return self.drawn
