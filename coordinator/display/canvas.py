"""Lines on a terminal, drawn over in place.

Each line is written over the one it replaces and then cleared to its end, and a frame goes out in
one write between the marks of a synchronised update, so nothing flickers. The cursor waits, hidden,
behind the last line. A frame leaves the last row and column of the terminal alone: nothing scrolls,
and no line ends where terminals disagree about the cursor.

When the terminal gets narrower, most terminals wrap the lines that are there already; the way back
up is then longer. The length of each line drawn is kept to know by how much.

A terminal that has gone away (a closed window, a closed pipe) is no reason to stop a run: what
can't be written is given up in silence.
"""

from __future__ import annotations

import io
import threading
from typing import TYPE_CHECKING, Final, TextIO

from rich.console import Console

from coordinator.display.frame import Size

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.text import Text

HIDE_CURSOR: Final = "\x1b[?25l"
SHOW_CURSOR: Final = "\x1b[?25h"
BEGIN_UPDATE: Final = "\x1b[?2026h"
END_UPDATE: Final = "\x1b[?2026l"
CLEAR_TO_END_OF_LINE: Final = "\x1b[K"
CLEAR_BELOW: Final = "\x1b[J"


class Canvas:
    """A part of a terminal that is drawn over again and again, or drawn once where none is.

    Parameters
    ----------
    stream : TextIO
        Where to write.
    animated : bool
        Whether `stream` is a terminal that can move its cursor; if not, only `close` draws.
    colour : bool
        Whether colours are wanted.
    size : callable
        Tells the size of the terminal as it is now.
    """

    def __init__(
        self, stream: TextIO, *, animated: bool, colour: bool, size: Callable[[], Size]
    ) -> None:
        self._stream = stream
        self._animated = animated
        self._size = size
        self._lengths: list[int] = []
        self._closed = False
        self._gone = False
        self._lock = threading.Lock()
        self._console = Console(
            file=io.StringIO(),
            force_terminal=colour,
            color_system="standard" if colour else None,
            no_color=not colour,
            legacy_windows=False,
        )

    def draw(self, compose: Callable[[Size], Sequence[Text]]) -> None:
        """Draw the lines that `compose` gives for the room there is."""
        with self._lock:
            if self._animated and not self._closed:
                self._write(self._repaint(compose))

    def close(self, compose: Callable[[Size], Sequence[Text]]) -> None:
        """Leave a last frame behind, and the terminal as it was found; then draw no more."""
        with self._lock:
            self._closed = True
            if not self._animated:
                self._write("".join(f"{line}\n" for line in self._encode(compose(self._size()))))
                return
            try:
                self._write(self._repaint(compose))
            finally:
                self._write(f"\r\n{SHOW_CURSOR}")

    def _repaint(self, compose: Callable[[Size], Sequence[Text]]) -> str:
        size = self._size()
        lines = compose(Size(max(1, size.columns - 1), max(1, size.rows - 1)))
        up = sum(max(1, -(-length // size.columns)) for length in self._lengths) - 1
        back = f"\r\x1b[{min(up, size.rows)}A" if up > 0 else "\r"
        self._lengths = [line.cell_len for line in lines]
        body = f"{CLEAR_TO_END_OF_LINE}\r\n".join(self._encode(lines))
        return f"{BEGIN_UPDATE}{HIDE_CURSOR}{back}{body}{CLEAR_BELOW}{END_UPDATE}"

    def _encode(self, lines: Sequence[Text]) -> list[str]:
        with self._console.capture() as captured:
            for line in lines:
                self._console.print(line, soft_wrap=True, highlight=False)
        return captured.get().split("\n")[:-1]

    def _write(self, text: str) -> None:
        if self._gone:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):  # ValueError: the stream is closed
            self._gone = True
