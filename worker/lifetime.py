"""The end of a worker by itself: nobody asks any more, or its announcement was removed."""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from dataclasses import dataclass
from math import inf

from worker.announcement import Announcement
from worker.log import ROOT, Event
from worker.state import Service

LOG = logging.getLogger(f"{ROOT}.lifetime")

LOOK_S = 0.5
"""Between two looks."""


@dataclass(frozen=True, slots=True)
class Lifetime:
    """The conditions under which a worker goes on.

    Parameters
    ----------
    idle_s : float
        It ends after so many seconds without a request; see `Service.idle_s`.
    announcement : Announcement, optional
        It ends when this is gone.
    """

    idle_s: float = inf
    announcement: Announcement | None = None

    def over(self, idle_s: float) -> str:
        """Return why the worker has to end now, or nothing.

        Parameters
        ----------
        idle_s : float
            Seconds since the last request.

        Examples
        --------
        >>> Lifetime(idle_s=60.0).over(60.0), Lifetime().over(1e9)
        ('no request for 60 s', '')
        """
        if idle_s >= self.idle_s:
            return f"no request for {self.idle_s:g} s"
        if self.announcement is not None and self.announcement.is_gone:
            return "its announcement was removed"
        return ""

    async def watch(self, service: Service) -> None:
        """Send this process the signal that ends it, once it is time."""
        reason = ""
        while not reason:
            await asyncio.sleep(LOOK_S)
            reason = self.over(service.idle_s(time.monotonic()))
        LOG.info(Event("ending", reason=reason))
        signal.raise_signal(signal.SIGTERM)


FOREVER = Lifetime()
"""Until a signal."""
