"""The story of a tile: its events in order of time, for whoever asks why it failed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@dataclass(frozen=True, slots=True)
class StoryEvent:
    """One change of a tile.

    Parameters
    ----------
    time_s : float
        Monotonic seconds, on the dispatcher's clock.
    worker : str
        The worker concerned; empty if there is none.
    what : str
        A `TileSignal`: what happened.
    reason : str
        Why; empty if that needs no words.
    """

    time_s: float
    worker: str
    what: str
    reason: str = ""


def story_lines(tile: int, story: Sequence[StoryEvent]) -> Iterator[str]:
    r"""Yield a line for each event of a tile, with the seconds since the first.

    Parameters
    ----------
    tile : int
        Number of the tile.
    story : sequence of StoryEvent
        Its events in order of time.

    Examples
    --------
    >>> sent = StoryEvent(100.0, "node1:8080", "sent")
    >>> failed = StoryEvent(101.25, "node1:8080", "failed", "broken: connection lost")
    >>> print(*story_lines(7, [sent, failed]), sep="\n")
    tile 7, +0.000 s: sent, node1:8080
    tile 7, +1.250 s: failed, node1:8080: broken: connection lost
    """
    for event in story:
        what = f"{event.what}, {event.worker}" if event.worker else event.what
        reason = f": {event.reason}" if event.reason else ""
        yield f"tile {tile}, +{event.time_s - story[0].time_s:.3f} s: {what}{reason}"
