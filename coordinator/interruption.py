"""Ctrl-C and SIGTERM wait while files are made, named and removed: each is there with its owner.

Between two of Python's instructions a signal may come: when a file is made and nobody yet knows it,
or when it has its final name and nobody yet said so. The few moments that must be whole say so.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar


class _Interruption:
    """How many such moments there are just now, what waits for their end, and what was written."""

    moments = 0
    waiting: KeyboardInterrupt | None = None
    written: ClassVar[list[str]] = []


def interrupt(interruption: KeyboardInterrupt) -> None:
    """End what the main thread does, now or as soon as that is fit to be ended.

    Raises
    ------
    KeyboardInterrupt
        Unless it is put off.
    """
    _Interruption.waiting = interruption
    if not _Interruption.moments:
        let_in()


@contextmanager
def put_off() -> Iterator[None]:
    """Put interruptions off until the end of this block; for the main thread, and quick steps.

    Raises
    ------
    KeyboardInterrupt
        At the end, if one came, and no other error.
    """
    _Interruption.moments += 1
    try:
        yield
    finally:
        _Interruption.moments -= 1
    if not _Interruption.moments:
        let_in()


def let_in() -> None:
    """Raise the interruption that was put off, if there is one: here is a good place to end.

    Raises
    ------
    KeyboardInterrupt
        If so.
    """
    waiting, _Interruption.waiting = _Interruption.waiting, None
    if waiting is not None:
        if written := _Interruption.written:
            several = f"{len(written)} outputs are written, the last is {written[-1]}"
            what = f"{written[0]} is written" if len(written) == 1 else several
            waiting.add_note(f"{what}; what belongs beside it may be missing")
        raise waiting


def note_written(name: str) -> None:
    """Note that an output is whole and visible: whoever interrupts what follows is told so."""
    _Interruption.written.append(name)


def forget_written() -> None:
    """Begin anew: what was written before is no business of the next command."""
    _Interruption.written.clear()
