"""The log of `coord`: one line an event on stderr, from loggers below ``tilefan``."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from coordinator.text import inert

if TYPE_CHECKING:
    from coordinator.cli.options import Level
    from coordinator.events import Event

LOG = logging.getLogger("tilefan.run")


class _Inert(logging.Formatter):
    """Workers choose some of what is logged, so no character may move a terminal's cursor."""

    def format(self, record: logging.LogRecord) -> str:
        return inert(super().format(record))


def configure(level: Level) -> None:
    """Log to stderr from this level on; libraries log their warnings and errors only.

    Parameters
    ----------
    level : {"debug", "info", "warning", "error"}
    """
    handler = logging.StreamHandler()
    handler.setFormatter(_Inert("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("tilefan").setLevel(level.upper())


def log_event(_: float, event: Event) -> None:
    """Log an event of a run, as a listener."""
    LOG.debug("%s", event)
