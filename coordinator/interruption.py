"""Ctrl-C and SIGTERM wait while files are made, named and removed: each is there with its owner.

Between two of Python's instructions a signal may come: when a file is made and nobody yet knows it,
or when it has its final name and nobody yet said so. The few moments that must be whole say so.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class _Interruption:
    """How many such moments there are just now, and the interruption that waits for their end."""

    moments = 0
    waiting: KeyboardInterrupt | None = None


def interrupt(interruption: KeyboardInterrupt) -> None:
    """End what the main thread does, now or as soon as that is fit to be ended.

    Raises
    ------
    KeyboardInterrupt
        Unless it is put off.
    """
    if not _Interruption.moments:
        raise interruption
    _Interruption.waiting = interruption


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
        raise waiting
