"""`--web`: a run, or the fleet, on a page in the browser while it lasts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from coordinator.events import Event, WorkerLost, WorkerReady
from coordinator.workflows.run_options import RunOptions, both

if TYPE_CHECKING:
    from coordinator.workflows.watch import WorkerStatus


@contextmanager
def run_shown(
    options: RunOptions, port: int | None, say: Callable[[str], None]
) -> Iterator[RunOptions]:
    """Yield the options with a page that hears of every run.

    Parameters
    ----------
    options : RunOptions
    port : int, optional
        Of this machine's loopback; a free one unless given.
    say : callable
        Takes the page's link, before any work.

    Raises
    ------
    InputError
        If the port can't be had.
    """
    from coordinator.web.run_page import RunPage
    from coordinator.web.server import live_page

    page = RunPage()
    with live_page(page, port or 0) as link:
        say(link)
        log = options.log
        yield replace(options, log=page.handle if log is None else both(log, page.handle))


@contextmanager
def fleet_shown(
    port: int | None, say: Callable[[str], None]
) -> Iterator[Callable[[Sequence[WorkerStatus]], None]]:
    """Yield what puts a look at the fleet on the page; see `run_shown`."""
    from coordinator.web.fleet_page import FleetPage, Look, Row
    from coordinator.web.server import live_page
    from coordinator.workflows.watch import COLUMNS, title_of

    page = FleetPage(COLUMNS)

    def show(statuses: Sequence[WorkerStatus]) -> None:
        rows = [Row(each.cells, bool(each.trouble)) for each in statuses]
        events = [event for each in statuses for event in _events(each)]
        page.show(Look(time.monotonic(), title_of(statuses), rows, events))

    with live_page(page, port or 0) as link:
        say(link)
        yield show


def _events(status: WorkerStatus) -> Iterator[Event]:
    """Yield what a look at a worker means as events."""
    health = status.health
    if health is None:
        yield WorkerLost(status.worker, status.trouble)
        return
    yield WorkerReady(status.worker, health.slots or 0, health.about)
    if (usage := health.usage(status.worker)) is not None:
        yield usage
