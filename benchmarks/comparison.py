"""The filters side by side: bits first, then seconds in turns, then ratios and targets."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import partial

import numpy as np
from scipy import ndimage

from benchmarks.cases import CASES, SCIPY, TARGETS, Case, Target
from benchmarks.contenders import CONTENDERS, Contender, Filter
from benchmarks.report import table, verdict
from benchmarks.rounds import Times, in_turns
from tiling.dtypes import Array

WARM_S = 1.5
"""Of calls before the first round, of each contender; none in the short form."""


def compare(rounds: int, *, short: bool) -> Iterator[str]:
    """Run every case and yield its table; at last, the targets.

    Raises
    ------
    AssertionError
        If a bit of ours differs from SciPy's; then nothing of that case is timed.
    """
    present = [each for each in CONTENDERS if each.needs is None or _installed(each.needs)]
    absent = [each.name for each in CONTENDERS if each not in present]
    measured: dict[Case, Times] = {}
    with ExitStack() as stack:
        filters = {each.name: stack.enter_context(each.open()) for each in present}
        for case in CASES:
            rivals = [each for each in present if each.covers(case)]
            actual = case.shortened() if short else case
            text, measured[case] = _measure(
                actual, rivals, filters, rounds, 0.0 if short else WARM_S
            )
            yield text
    if absent:
        yield f"Not installed: {', '.join(absent)}; `make bench` has them all."
    if not short:
        yield _targets(measured)


def _installed(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _measure(
    case: Case,
    rivals: list[Contender],
    filters: Mapping[str, Filter],
    rounds: int,
    warm_s: float,
) -> tuple[str, Times]:
    """Check one case, then time it."""
    array = case.array()
    wanted = ndimage.gaussian_filter(array, case.sigma)
    given = {each.name: each.prepare(array) for each in rivals}
    same = {}
    for each in rivals:
        same[each.name] = _same(filters[each.name](given[each.name], case.sigma), wanted)
        assert same[each.name] or not each.ours, f"{case.name}: {each.name} has other bits"
    calls = {name: partial(filters[name], given[name], case.sigma) for name in given}
    for call in calls.values():
        _warm(call, warm_s)
    times = in_turns(calls, rounds)
    ours = [each.name for each in rivals if each.ours]
    head = ("", "ms", "vs SciPy", *(f"{name} vs it" for name in ours), "SciPy's bits")
    rows = [
        (
            name,
            f"{times.median(name) * 1e3:.1f}",
            f"{times.ratio(name, SCIPY):.2f}",
            *(f"{times.ratio(our, name):.2f}" for our in ours),
            "yes" if same[name] else "no",
        )
        for name in given
    ]
    return f"### {case.name}\n\n{table(head, rows)}", times


def _warm(call: Callable[[], object], seconds: float) -> None:
    """Call again and again: first calls import and connect."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        call()


def _same(got: Array, wanted: Array) -> bool:
    return (got.dtype, got.shape) == (wanted.dtype, wanted.shape) and bool(
        np.array_equal(got.view(np.uint8), wanted.view(np.uint8))
    )


def _targets(measured: Mapping[Case, Times]) -> str:
    known = [each for each in TARGETS if each.peer in measured[each.case].seconds]
    rows = [_target_row(target, measured[target.case]) for target in known]
    head = ("case", "ours", "against", "ratio", "target", "")
    return f"### Targets\n\n{table(head, rows)}"


def _target_row(target: Target, times: Times) -> tuple[str, ...]:
    ratio = times.ratio(target.ours, target.peer)
    return (
        target.case.name,
        target.ours,
        target.peer,
        f"{ratio:.2f}",
        f"{target.ratio:g}",
        verdict(ratio, target.ratio),
    )
