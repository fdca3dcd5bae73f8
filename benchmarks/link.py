"""Gain of the codecs on a slow link: two workers behind one cable of 1 Gbit/s, each way.

The cable lies between two network namespaces of this machine, and the kernel lets only so much
through (`tc`, token buckets). What travels narrowed, or narrowed and packed, is compared with the
same samples as they are, in the same rounds.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from typing import cast

import numpy as np

from benchmarks.cases import IMAGE, Case
from benchmarks.report import table, verdict
from benchmarks.rounds import in_turns
from coordinator import Fleet
from coordinator.api.local import FUNCTIONS
from coordinator.events import Event, TileAnswered
from coordinator.hosts.codec import Codec
from tests.support.cabled_network import THERE, NoNetworkError, cabled_network
from tests.support.processes import running_workers
from tiling.dtypes import Array
from tiling.protocol.forms import codecs

RATE = "1gbit"

gaussian_filter = FUNCTIONS["gaussian_filter"]

PLAIN = "none"

CODECS = (PLAIN, *codecs(), "auto")

BLUR = 3.0
"""Of noise: it packs as well as a picture of the sky that is blurred by 1 or 2."""

CASES = {
    "picture": (IMAGE, 3.5),
    "blurred picture": (Case((2048, 2048), "float32", 2.0), 1.15),
}
"""Arrays, and how many times as fast as plain samples the codec that is chosen must be."""


def measure(rounds: int, *, short: bool) -> Iterator[str]:
    """Yield a table for each array: seconds, and bytes that travelled."""
    try:
        with ExitStack() as stack:
            name, _ = stack.enter_context(cabled_network(RATE))
            arguments = ("--host", THERE, "--insecure-network")
            within = ("ip", "netns", "exec", name)
            workers = stack.enter_context(running_workers(2, *arguments, within=within))
            addresses = [worker.address for worker in workers]
            for title, (case, target) in CASES.items():
                shown = case.shortened() if short else case
                array = shown.array()
                array = gaussian_filter(array, BLUR) if array.dtype.kind == "f" else array
                text, ratio = _compare(addresses, shown, array, rounds)
                judged = "" if short else f", {verdict(ratio, target)}"
                summary = f"auto against plain samples: {ratio:.2f}, target {target}{judged}"
                yield f"### A link of {RATE}, {title}: {shown.name}\n\n{text}\n\n{summary}"
    except NoNetworkError:
        yield f"### A link of {RATE}\n\nNot measured: no network namespaces can be made here."


def _compare(addresses: list[str], case: Case, array: Array, rounds: int) -> tuple[str, float]:
    travelled: dict[str, int] = {}

    def count(codec: str, _: float, event: Event) -> None:
        if isinstance(event, TileAnswered):
            travelled[codec] = travelled.get(codec, 0) + event.wire_bytes

    with ExitStack() as stack:
        runs: dict[str, Callable[[], Array]] = {}
        want = gaussian_filter(array, case.sigma)
        for codec in CODECS:
            with warnings.catch_warnings():  # the token goes in clear text: there is none
                warnings.simplefilter("ignore")
                fleet = Fleet(
                    addresses, wire_codec=cast("Codec", codec), listen=partial(count, codec)
                )
            stack.enter_context(fleet)
            runs[codec] = partial(fleet.gaussian_filter, array, case.sigma)
            for _ in range(2):  # a link's speed is known after some tiles
                assert np.array_equal(runs[codec](), want)
        travelled.clear()
        times = in_turns(runs, rounds)
    rows = [
        (
            codec,
            f"{times.median(codec) * 1e3:.0f}",
            f"{travelled[codec] / rounds / 1e6:.1f}",
            f"{times.ratio(codec, PLAIN):.2f}",
        )
        for codec in CODECS
    ]
    head = ("codec", "ms", "MB there and back", "vs plain")
    return table(head, rows), times.ratio("auto", PLAIN)
