"""What can go wrong in a run, and the exit code each kind of it ends with.

Foreign errors (of sockets and HTTP, OSError, TOML's) are translated into these once, at the border.
A message says what happened, what was got, and what to do next; it is made of printable characters
only.
"""

from __future__ import annotations

from typing import ClassVar


class TilefanError(Exception):
    """Root of every error of this package."""

    exit_code: ClassVar[int] = 1


class InputError(TilefanError):
    """The request can't be carried out as it was put."""

    exit_code = 2


class ConfigError(InputError):
    """The list of hosts has mistakes.

    Parameters
    ----------
    source : str
        Where the hosts were listed: a file's path, or a word for the argument.
    mistakes : sequence of str
        One sentence each, beginning with its key.
    """

    def __init__(self, source: str, mistakes: tuple[str, ...]) -> None:
        self.source = source
        self.mistakes = mistakes
        super().__init__(source, mistakes)

    def __str__(self) -> str:
        if len(self.mistakes) == 1:
            return f"{self.source}: {self.mistakes[0]}"
        lines = [f"{self.source}: {len(self.mistakes)} mistakes", *self.mistakes]
        return "\n  ".join(lines)


class NoWorkerError(TilefanError):
    """No worker can be used."""

    exit_code = 3


class TileFailedError(TilefanError):
    """A tile failed everywhere, or the fleet was lost."""

    exit_code = 4


class VerifyError(TilefanError):
    """Verification found different bits."""

    exit_code = 5


class TrustError(TilefanError):
    """A worker, or this coordinator, could not prove who it is."""

    exit_code = 6


class TrustWarning(UserWarning):
    """What was asked for is less safe than it could be."""


class StoreError(TilefanError):
    """An array can't be read or written."""

    exit_code = 7


class Interrupted(TilefanError):  # noqa: N818 -- the user's wish, not a fault
    """The user stopped the run."""

    exit_code = 130
