"""The errors of the coordinator, and the only table of exit codes.

Foreign errors (of sockets and HTTP, OSError, TOML's) are translated into these once, at the border.
A message says what happened, what was got, and what to do next; it is made of printable characters
only.
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """The exit codes of `coord`, each with its meaning as the help has it."""

    meaning: str

    def __new__(cls, number: int, meaning: str) -> ExitCode:
        """Make a code that knows its meaning."""
        code = int.__new__(cls, number)
        code._value_, code.meaning = number, meaning
        return code

    DONE = 0, "done"
    BUG = 1, "a fault of coord itself"
    USAGE = 2, "usage or bad input"
    NO_WORKER = 3, "no usable worker"
    FAILED = 4, "a tile failed everywhere, or the fleet was lost"
    DIFFERENT_BITS = 5, "different bits"
    UNTRUSTED = 6, "authentication or TLS"
    STORE = 7, "cannot read or write"
    INTERRUPTED = 130, "interrupted by Ctrl-C"
    TERMINATED = 143, "interrupted by SIGTERM"


class TilefanError(Exception):
    """Root of every error of this package; each class has the exit code of a command it ends."""

    exit_code: ClassVar[ExitCode] = ExitCode.BUG


class InputError(TilefanError):
    """The request can't be carried out as it was put."""

    exit_code = ExitCode.USAGE


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

    exit_code = ExitCode.NO_WORKER


class TileFailedError(TilefanError):
    """A tile failed everywhere, or the fleet was lost.

    Parameters
    ----------
    message : str
    story : tuple of str
        What happened to the tile that failed, one event a line; shown by ``--debug``.
    """

    exit_code = ExitCode.FAILED

    def __init__(self, message: str, story: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.story = story


class VerifyError(TilefanError):
    """Verification found different bits."""

    exit_code = ExitCode.DIFFERENT_BITS


class TrustError(TilefanError):
    """A worker, or this coordinator, could not prove who it is."""

    exit_code = ExitCode.UNTRUSTED


class TrustWarning(UserWarning):
    """A token goes to these hosts in clear text."""

    def __init__(self, message: str, hosts: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.hosts = hosts


class StoreError(TilefanError):
    """An array can't be read or written."""

    exit_code = ExitCode.STORE


class InputChangedError(StoreError):
    """The input was written to while it was read."""


for _kind in (TilefanError, *TilefanError.__subclasses__(), ConfigError, InputChangedError):
    _kind.__module__ = "tilefan"  # where users catch them
TrustWarning.__module__ = "tilefan"
