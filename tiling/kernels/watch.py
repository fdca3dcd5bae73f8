"""The watch on a computation: another thread may cancel it, and see how far it is.

A kernel looks at the watch of its thread between pieces of work that take some milliseconds each,
and leaves by `AbandonedError`. Where nobody watches, it does not look.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import accumulate
from typing import TypeVar

from tiling.errors import AbandonedError

T = TypeVar("T")


class _State(ctypes.Structure):
    """`struct watch` of `native/source/watch.h`."""

    _fields_ = (("cancelled", ctypes.c_int64), ("done", ctypes.c_int64))


class Watch:
    """The watch on one computation, which may have several steps.

    `cancel` and `share` may be called by any thread, all else by the one that computes.

    Examples
    --------
    >>> watch = Watch()
    >>> watch.begin([3.0, 1.0])
    >>> watch.enter(0)
    >>> watch.advance(0.5)
    >>> watch.share
    0.375
    """

    def __init__(self) -> None:
        self._state = _State()
        self._before: Sequence[float] = (0.0, 1.0)
        self._step = (0, 0, 1)  # its number, what `done` was before it, and what it adds
        self._is_over = False

    @property
    def address(self) -> int:
        """Where the library finds it; for as long as this object lives."""
        return ctypes.addressof(self._state)

    @property
    def cancelled(self) -> bool:
        """Whether nobody waits for the result any more."""
        return bool(self._state.cancelled)

    def cancel(self) -> None:
        """Let the computation end soon."""
        self._state.cancelled = 1

    def check(self) -> None:
        """Leave the computation if it is cancelled.

        Raises
        ------
        AbandonedError
        """
        if self.cancelled:
            raise AbandonedError("nobody waits for the result")

    def begin(self, works: Sequence[float]) -> None:
        """Begin a computation of several steps.

        Parameters
        ----------
        works : sequence of float
            What each step costs, in any unit.
        """
        self._step = (0, self._state.done, 1)
        self._before = tuple(accumulate(works, initial=0.0))
        self._is_over = False

    def enter(self, number: int) -> None:
        """Begin a step.

        Parameters
        ----------
        number : int
            From 0.

        Raises
        ------
        AbandonedError
        """
        self._step = (number, self._state.done, 1)
        self.check()

    def expect(self, samples: int) -> None:
        """Say how many finished samples make a step whole.

        Parameters
        ----------
        samples : int
        """
        number, done, _ = self._step
        self._step = (number, done, max(samples, 1))

    def advance(self, part: float) -> None:
        """Say which part of a step is finished.

        Parameters
        ----------
        part : float
            Between 0 and 1.

        Raises
        ------
        AbandonedError
        """
        self.check()
        _, done, _ = self._step
        self.expect(_FINE)
        self._state.done = max(self._state.done, done + round(part * _FINE))

    def each(self, parts: Sequence[T], first: float = 0.0, last: float = 1.0) -> Iterator[T]:
        """Yield the parts of a step one after another, as long as it is not cancelled.

        Parameters
        ----------
        parts : sequence
            Each costs as much as the others, about.
        first, last : float
            Which part of the step is finished before the first one, and after the last.

        Raises
        ------
        AbandonedError
        """
        for number, part in enumerate(parts):
            self.advance(first + (last - first) * number / len(parts))
            yield part
        self.advance(last)

    def finish(self) -> None:
        """Say that all steps are finished."""
        self._is_over = True

    @property
    def share(self) -> float:
        """The finished part of all steps, between 0 and 1."""
        if self._is_over:
            return 1.0
        before, (number, done, samples) = self._before, self._step
        part = min((self._state.done - done) / samples, 1.0)
        first, last = before[number : number + 2]
        return float(min((first + part * (last - first)) / (before[-1] or 1.0), 1.0))


_FINE = 10**6
"""Parts of a step that are told apart where no samples are counted."""

_CURRENT: ContextVar[Watch | None] = ContextVar("watch", default=None)


def current() -> Watch | None:
    """Return the watch on what this thread computes."""
    return _CURRENT.get()


@contextmanager
def watching(watch: Watch) -> Iterator[None]:
    """Watch what this thread computes inside the ``with`` statement.

    Parameters
    ----------
    watch : Watch
    """
    token = _CURRENT.set(watch)
    try:
        yield
    finally:
        _CURRENT.reset(token)
