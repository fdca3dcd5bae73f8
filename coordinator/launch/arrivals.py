"""Arrivals of workers that were started: an announcement, or the last lines that were heard.

See `worker.announcement` for the line that a worker writes when it can serve.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

from coordinator.errors import NoWorkerError
from coordinator.hosts.addresses import name_of, normalise
from coordinator.hosts.certificates import check_pin
from coordinator.hosts.hosts_file import Host
from coordinator.text import count, inert

KEY: Final = "tilefan_worker"
"""Of the announcement: its first."""

MAX_LINE: Final = 2**16

LAST_LINES: Final = 6
"""Of what was heard of a worker that never came."""

LONGEST: Final = 200
"""Characters of each."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A worker that has announced itself.

    Parameters
    ----------
    name : str
        What it was started as, such as ``node1``.
    host : Host
    pid : int
    """

    name: str
    host: Host
    pid: int


@dataclass(frozen=True, slots=True)
class Absence:
    """A worker that never came.

    Parameters
    ----------
    name : str
    reason : str
    lines : tuple of str
        The last that were heard of it.
    """

    name: str
    reason: str
    lines: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n    ".join((f"{self.name}: {self.reason}", *self.lines))


Started: TypeAlias = Arrival | Absence


def announced(name: str, text: str, host: str | None = None) -> Arrival | None:
    r"""Return the arrival that a text announces; None if none of its lines does.

    Parameters
    ----------
    name : str
        Of the worker.
    text : str
        May hold other lines too, such as what a remote shell greets with.
    host : str, optional
        By which it is reached; what it says of itself unless given.

    Examples
    --------
    >>> text = 'Welcome!\n{"tilefan_worker": "1", "scheme": "http", "host": "n", "port": 9}'
    >>> announced("node1", text).host.url
    'http://n:9'
    """
    for line in text.splitlines():
        fields = _fields(line)
        if fields is not None:
            try:
                return _arrival(name, fields, host)
            except ValueError:
                return None
    return None


def _fields(line: str) -> dict[str, Any] | None:
    if KEY not in line or len(line) > MAX_LINE:
        return None
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return fields if isinstance(fields, dict) and KEY in fields else None


def _arrival(name: str, fields: dict[str, Any], host: str | None) -> Arrival:
    """Check what a worker says of itself.

    Raises
    ------
    ValueError
    """
    there = host or str(fields.get("host"))
    there = f"[{there}]" if ":" in there else there
    url = normalise(f"{fields.get('scheme')}://{there}:{fields.get('port')}")
    pin, pid = fields.get("certificate"), fields.get("pid")
    certificate = None if pin is None else check_pin(str(pin))
    return Arrival(
        name,
        Host(name_of(url), url, certificate=certificate),
        pid if isinstance(pid, int) else 0,
    )


def last_lines(text: str) -> tuple[str, ...]:
    """Return the last lines that say something, printable and of bounded length."""
    lines = [inert(line.strip())[:LONGEST] for line in text.splitlines() if line.strip()]
    return tuple(lines[-LAST_LINES:])


def read_log(path: Path) -> tuple[str, ...]:
    """Return the last lines of a file; none where there is none."""
    try:
        return last_lines(path.read_text("utf-8", "replace"))
    except OSError:
        return ()


def parted(started: Sequence[Started]) -> tuple[list[Arrival], list[Absence]]:
    """Return those that came, and those that did not."""
    came = [each for each in started if isinstance(each, Arrival)]
    return came, [each for each in started if isinstance(each, Absence)]


def never_came(missing: Sequence[Absence], wanted: int) -> NoWorkerError:
    """Return the error about workers that did not come, of so many that were wanted."""
    what = f"{count(len(missing), 'worker')} never came (of {wanted}):"
    return NoWorkerError("\n  ".join((what, *map(str, missing))))
