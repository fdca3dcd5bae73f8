"""Workers that are up for as long as somebody in this process wants them."""

from __future__ import annotations

import os
import threading
import weakref

from coordinator.hosts.hosts_file import Config
from coordinator.launch.arrivals import never_came, parted
from coordinator.launch.folder import FleetFolder
from coordinator.launch.section import LaunchPlan


class Lease:
    """Workers that were started, and end when this is closed, is collected, or Python ends.

    Parameters
    ----------
    plan : LaunchPlan

    Attributes
    ----------
    config : Config
        The workers, and where their token is.

    Raises
    ------
    NoWorkerError
        If one never came; then those that came are stopped again.
    """

    def __init__(self, plan: LaunchPlan) -> None:
        folder = FleetFolder.make(plan.parent)
        self._end = weakref.finalize(self, _stop, plan, folder, os.getpid())
        # Stopping takes threads, and where `atexit` calls a finalizer Python starts none any more.
        threading._register_atexit(self._end)  # type: ignore[attr-defined]
        try:
            came, missing = parted(plan.start(folder))
        except BaseException:
            self.close()
            raise
        if missing:
            self.close()
            raise never_came(missing, plan.size)
        hosts = tuple(each.host for each in came)
        self.config = Config(hosts, token_file=folder.token_file)

    def close(self) -> None:
        """Stop the workers, once."""
        self._end()


def _stop(plan: LaunchPlan, folder: FleetFolder, process: int) -> None:
    """Stop workers, unless this process is a forked child of the one that started them."""
    if os.getpid() == process:
        plan.stop(folder)
        folder.remove()
