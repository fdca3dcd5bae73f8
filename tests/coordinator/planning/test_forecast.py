"""What a run will cost: the arithmetic of it, and the bound of memory."""

from __future__ import annotations

import numpy as np
import pytest

from coordinator.engines import Capacity
from coordinator.errors import InputError
from coordinator.planning.forecast import shares, verdict
from coordinator.planning.speeds import Measured, Speeds
from coordinator.run.memory_limit import FleetPeak, LocalPeak, fit
from coordinator.run.request import Request
from coordinator.stores.memory import ArraySource
from tiling.filters import FILTERS
from tiling.jobs.job import Job

FAST = Measured("fast", 2, 0.010, 10_000, 0.110, 0.05)
SLOW = Measured("slow", 1, 0.010, 10_000, 0.210, 0.05)
LOST = Measured("lost", trouble="connection refused")


def request(tile: tuple[int, ...] | None = None, sigma: float = 4) -> Request:
    array = np.zeros((4000, 1000), "f4")
    call = FILTERS["gaussian_filter"].call(2, array.dtype, sigma)
    return Request(Job(2, (call,)), ArraySource(array), tile)


def test_tiles_are_dealt_by_rate() -> None:
    """All are busy for as long, and a worker that is lost gets none."""
    workers = [FAST, SLOW, LOST]
    dealt = shares(10, 10_000, workers, Speeds.of(workers))
    assert sum(share.tiles for share in dealt) == pytest.approx(10)
    assert dealt[0].busy_s == pytest.approx(dealt[1].busy_s)
    assert (dealt[2].tiles, dealt[2].trouble) == (0, "connection refused")


@pytest.mark.parametrize(
    ("here_s", "fleet_s", "workers", "words"),
    [
        (2.0, None, [], "run it here: about 2.0 s with this machine's cores"),
        (2.0, None, [LOST], "no worker of the fleet can be used"),
        (2.0, 0.5, [FAST], "send it: about 500 ms on the fleet, about 2.0 s here, so 4.0 times"),
        (0.01, 0.5, [FAST], "too small to be worth sending: run it here (about 10 ms here, about "),
    ],
)
def test_verdict(here_s: float, fleet_s: float, workers: list[Measured], words: str) -> None:
    """In words, with the numbers behind them."""
    assert words in verdict(800_000, 400_000, here_s, fleet_s, workers)


@pytest.mark.parametrize("limit_bytes", [330_000_000, 300_000_000, 265_000_000])
@pytest.mark.parametrize("peak", [LocalPeak(0), FleetPeak(200_000_000, 30_000_000)])
def test_tiles_are_cut_to_fit(limit_bytes: int, peak: LocalPeak | FleetPeak) -> None:
    """The plan needs no more memory than there is, and no smaller tiles than that takes."""
    asked = request()
    capacity = fit(asked, Capacity(4, 2**26), limit_bytes, peak)
    assert peak(asked.job, asked.plan(capacity), 4) <= limit_bytes
    assert fit(asked, Capacity(4, 2**26), None, peak) == Capacity(4, 2**26)


@pytest.mark.parametrize("tile", [None, (4000, 1000)])
def test_refused_with_what_would_do(tile: tuple[int, ...] | None) -> None:
    """Too little is refused, and the number in the refusal is enough."""
    asked, peak = request(tile, 20), LocalPeak(0)
    with pytest.raises(InputError, match="do not suffice") as caught:
        fit(asked, Capacity(2, 2**26), 10**6, peak)
    named_mb = float(str(caught.value).partition(" need ")[2].split()[0].replace(",", ""))
    capacity = fit(asked, Capacity(2, 2**26), int(named_mb * 1e6), peak)
    assert peak(asked.job, asked.plan(capacity), 2) <= named_mb * 1e6
