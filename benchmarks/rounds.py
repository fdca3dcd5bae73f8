"""Timing in turns: every round runs each contender once, in an order of its own.

What disturbs the machine then disturbs all of them alike, and a ratio taken within a round is
worth more than one of two totals. So a ratio here is the median of the rounds' ratios.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of each contender, by name, a list per contender with an entry per round."""

    seconds: Mapping[str, list[float]]

    def median(self, name: str) -> float:
        """Return the median of a contender's seconds."""
        return statistics.median(self.seconds[name])

    def ratio(self, name: str, peer: str) -> float:
        """Return how many times as fast as a peer a contender is: the median over the rounds.

        Examples
        --------
        >>> Times({"we": [1.0, 2.0, 3.0], "they": [2.0, 6.0, 6.0]}).ratio("we", "they")
        2.0
        """
        pairs = zip(self.seconds[peer], self.seconds[name], strict=True)
        return statistics.median(theirs / ours for theirs, ours in pairs)


def in_turns(runs: Mapping[str, Callable[[], object]], rounds: int) -> Times:
    """Time each run once per round, in a shuffled order that is the same in every call."""
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(rounds):
        order = random.Random(turn).sample(list(runs), len(runs))
        for name in order:
            began = time.perf_counter()
            runs[name]()
            seconds[name].append(time.perf_counter() - began)
    return Times(seconds)
