"""The worker's log: one line an event on stderr, as text or JSON, through `logging`.

Clients choose some of what is logged: paths, headers, and how often. So characters that a terminal
would obey are escaped in every line, lines have a greatest length, and the events of clients are
limited: of each event, 10 lines at once and then one a minute for an address, 60 at once and then
six a minute for all addresses. That is at most 9,000 lines a day of an event, some 2 MB, whatever
clients do; a line tells how many before it were suppressed.
"""

from __future__ import annotations

import json
import logging
import time
from typing import Any, Literal, TypeAlias

from worker.rate_limit import RateLimit

ROOT = "tilefan.worker"
"""Parent of the worker's loggers."""

Level: TypeAlias = Literal["debug", "info", "warning", "error"]

LONGEST = 4000
"""Characters of a line: a traceback fits."""


class Event:
    """A log message of a name and fields: ``refused address=10.0.0.1 reason=token``.

    Parameters
    ----------
    name : str
    **fields : str, int, float or bool

    Examples
    --------
    >>> str(Event("slow tile", seconds=31.5, path="a b"))
    'slow tile seconds=31.5 path="a b"'
    """

    def __init__(self, name: str, **fields: Any) -> None:
        self.name = name
        self.fields = fields

    def __str__(self) -> str:
        """Return the event as text."""
        return " ".join([self.name, *(f"{key}={_quoted(v)}" for key, v in self.fields.items())])


def _quoted(value: object) -> str:
    text = str(value)
    is_plain = text.isprintable() and not set(text) & set(" =\"'")
    return text if text and is_plain else json.dumps(text, ensure_ascii=False)


def escaped(text: str) -> str:
    r"""Return a text as one line in which no character controls a terminal, cut to `LONGEST`.

    Examples
    --------
    >>> escaped("a\x1b[31m\nb\u202e")
    'a\\x1b[31m\\nb\\u202e'
    """
    short = text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in short)


class TextFormatter(logging.Formatter):
    """Formats a record as ``TIME LEVEL LOGGER: MESSAGE``, a traceback on the same line.

    The error that ends the command, a critical one, is a sentence for who started it.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        if record.levelno >= logging.CRITICAL:
            return escaped(f"worker: {record.getMessage()}")
        text = f"{_time(record)} {_level(record)} {record.name}: {record.getMessage()}"
        if record.exc_info:
            lines = self.formatException(record.exc_info).splitlines()
            text = " | ".join([text, *(line.strip() for line in lines)])
        return escaped(text)


class JsonFormatter(logging.Formatter):
    """Formats a record as one JSON object: time, level, logger, message, and an event's fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        event = record.msg if isinstance(record.msg, Event) else None
        values = {
            **(event.fields if event else {}),
            "time": _time(record),
            "level": _level(record),
            "logger": record.name,
            "message": event.name if event else record.getMessage(),
        }
        if record.exc_info:
            values["traceback"] = self.formatException(record.exc_info)
        shown = {k: v[:LONGEST] if isinstance(v, str) else v for k, v in values.items()}
        return json.dumps(shown, default=str)


def _time(record: logging.LogRecord) -> str:
    seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
    return f"{seconds}.{int(record.msecs):03}Z"


def _level(record: logging.LogRecord) -> str:
    return record.levelname.lower()


def configure(level: str, *, as_json: bool) -> None:
    """Log to stderr from now on.

    Parameters
    ----------
    level : str
        Least that is logged; libraries log their warnings and errors only.
    as_json : bool
        Whether lines are JSON objects.
    """
    logging.raiseExceptions = False  # a log that can't be written stops no worker
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if as_json else TextFormatter())
    lowest = logging.getLevelNamesMapping()[level.upper()]
    logging.basicConfig(handlers=[handler], level=max(lowest, logging.WARNING))
    logging.getLogger(ROOT).setLevel(lowest)


class ClientLog:
    """The events of clients, limited in number; see the module."""

    def __init__(self) -> None:
        self._log = logging.getLogger(f"{ROOT}.clients")
        self._connected = RateLimit(1 / 3600, 1)
        self._each = RateLimit(1 / 60, 10)
        self._all = RateLimit(1 / 10, 60)
        self._suppressed = 0

    def connected(self, address: str, now: float) -> None:
        """Log the first request of an address in an hour.

        Parameters
        ----------
        address : str
        now : float
            Time in seconds, of a monotonic clock.
        """
        if self._connected.allows(address, now):
            self.write("client connected", address, now)

    def write(self, name: str, address: str, now: float, **fields: Any) -> None:
        """Log an event, unless there are too many of them.

        Parameters
        ----------
        name : str
        address : str
            Of the client.
        now : float
            Time in seconds, of a monotonic clock.
        **fields : str, int or float
        """
        if not self._log.isEnabledFor(logging.INFO):
            return
        if self._each.allows((name, address), now) and self._all.allows(name, now):
            if self._suppressed:
                fields["suppressed"] = self._suppressed
            self._log.info(Event(name, address=address, **fields))
            self._suppressed = 0
        else:
            self._suppressed += 1
