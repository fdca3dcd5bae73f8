"""The error of a dispatcher whose records disagree: a bug of ours, never a failure of a worker."""

from __future__ import annotations


class InvariantError(AssertionError):
    """An invariant of the dispatcher does not hold.

    Parameters
    ----------
    message : str
        Each invariant that does not hold, and what was found.
    broken : iterable of object
        The invariants that do not hold.
    """

    def __init__(self, message: str, broken: tuple[object, ...] = ()) -> None:
        super().__init__(message)
        self.broken = broken
