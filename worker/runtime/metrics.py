"""What a worker counts, for `GET /metrics` in Prometheus' format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

CONTENT_TYPE = CONTENT_TYPE_LATEST

SECONDS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
"""Bounds of the histogram's buckets: tiles take between a millisecond and minutes."""


@dataclass(frozen=True, slots=True)
class Metrics:
    """The counters of one worker, in a registry of their own.

    Parameters
    ----------
    registry : prometheus_client.CollectorRegistry
    answered : Counter
        Arrays filtered and sent, by `api`: tile or compute.
    refused : Counter
        Requests answered with a problem, by its `type`.
    received_bytes, sent_bytes : Counter
        Bodies of arrays in and out.
    seconds : Histogram
        From the end of a body to the begin of its answer: waiting for a thread and filtering.
    """

    registry: CollectorRegistry
    answered: Counter
    refused: Counter
    received_bytes: Counter
    sent_bytes: Counter
    seconds: Histogram

    @classmethod
    def start(cls) -> Self:
        """Return counters at zero."""
        registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        return cls(
            registry,
            _counter("answered", "Arrays filtered and sent.", registry, "api"),
            _counter("refused", "Requests answered with a problem.", registry, "type"),
            _counter("received_bytes", "Bytes of arrays received.", registry),
            _counter("sent_bytes", "Bytes of arrays sent.", registry),
            Histogram(
                "tilefan_worker_seconds",
                "From the end of a body to the begin of its answer.",
                buckets=SECONDS,
                registry=registry,
            ),
        )

    def watch(self, name: str, help_: str, read: Callable[[], float]) -> None:
        """Show a number that is read when somebody asks."""
        Gauge(f"tilefan_worker_{name}", help_, registry=self.registry).set_function(read)

    def expose(self) -> bytes:
        """Return all of it as text."""
        return generate_latest(self.registry)


def _counter(name: str, help_: str, registry: CollectorRegistry, *labels: str) -> Counter:
    return Counter(f"tilefan_worker_{name}", help_, labels, registry=registry)
