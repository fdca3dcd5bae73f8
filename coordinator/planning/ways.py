"""Both ways in which tiles travel, for a forecast: by reference, and as bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeAlias

from coordinator.engines.http.terms import Terms
from coordinator.hosts.by_reference import ByReference
from coordinator.planning.rehearsal import Sample
from coordinator.planning.speeds import Measured, Rehearsal, Speeds

NEVER = "by reference is not wanted"

Rehearsed: TypeAlias = tuple[Sequence[str] | None, Rehearsal | None]
"""Which workers took part, None for all; and what they took, None if they failed."""


def on_terms(measured: Measured, terms: Terms | None, choice: ByReference) -> Measured:
    """Return a worker with what it would open.

    Parameters
    ----------
    measured : Measured
    terms : Terms, optional
        None if it is not asked.
    choice : str
        See `coordinator.hosts.by_reference`.
    """
    its = terms or Terms(reason=NEVER)
    if choice == "require" and not its.reads:
        measured = replace(measured, trouble=f"not by reference: {its.reason}")
    return replace(measured, by_reference=its.reads, writes=its.writes, why=its.reason)


def measure_ways(
    workers: Sequence[Measured],
    samples: tuple[Sample, Sample],
    together: Callable[[ByReference, Sample], Rehearsed],
    choice: ByReference,
) -> tuple[Speeds, Speeds | None]:
    """Find out how fast workers are together; return also how fast if all is sent as bytes.

    That is None if all is sent so anyway.

    Parameters
    ----------
    workers : sequence of Measured
    samples : tuple of Sample
        To be sent as bytes, and with an output that workers can open.
    together : callable
        Has workers compute a sample in one way.
    choice : str
        See `coordinator.hosts.by_reference`.
    """

    def speeds(way: ByReference, sample: Sample) -> Speeds:
        few, rehearsal = together(way, sample)
        return Speeds.of(workers, rehearsal, few)

    by_bytes = speeds("never", samples[0])
    if not any(worker.by_reference and not worker.trouble for worker in workers):
        return by_bytes, None
    return speeds(choice, samples[1]), by_bytes
