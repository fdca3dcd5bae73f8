"""The error of a dispatcher whose records disagree: a fault of ours, never of a worker."""

from __future__ import annotations


class InvariantError(AssertionError):
    """An invariant of the dispatcher does not hold.

    Parameters
    ----------
    message : str
        What was found.
    broken : iterable of object
        The invariants that do not hold.
    """

    def __init__(self, message: str, broken: tuple[object, ...] = ()) -> None:
        super().__init__(message)
        self.broken = broken
