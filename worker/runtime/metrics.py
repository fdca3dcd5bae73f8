"""Metrics of a worker, for `GET /metrics` in Prometheus' format."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

CONTENT_TYPE = CONTENT_TYPE_LATEST

SECONDS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
"""Bounds of the histogram's buckets: tiles take between a millisecond and minutes."""


class Metrics:
    """The metrics of one worker, in a registry of their own.

    Attributes
    ----------
    answered : Counter
        Arrays filtered and sent, by `api`: tile or compute.
    refused : Counter
        Requests answered with a problem, by its `type`.
    abandoned, abandoned_seconds : Counter
        Arrays whose client has gone, and the seconds of computing that were for nothing.
    received_bytes, sent_bytes : Counter
        Bodies of arrays in and out.
    seconds : Histogram
        From the end of a body to the begin of its answer: waiting for a thread and filtering.
    """

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self.answered = self._counter("answered", "Arrays filtered and sent.", "api")
        self.refused = self._counter("refused", "Requests answered with a problem.", "type")
        self.abandoned = self._counter("abandoned", "Arrays whose client has gone.")
        self.abandoned_seconds = self._counter(
            "abandoned_seconds", "Seconds of computing that were for nothing."
        )
        self.received_bytes = self._counter("received_bytes", "Bytes of arrays received.")
        self.sent_bytes = self._counter("sent_bytes", "Bytes of arrays sent.")
        self.seconds = Histogram(
            "tilefan_worker_seconds",
            "From the end of a body to the begin of its answer.",
            buckets=SECONDS,
            registry=self._registry,
        )

    def _counter(self, name: str, help_: str, *labels: str) -> Counter:
        return Counter(f"tilefan_worker_{name}", help_, labels, registry=self._registry)

    def count_abandoned(self, seconds: float) -> None:
        """Count an array whose client has gone after so many seconds of computing."""
        self.abandoned.inc()
        self.abandoned_seconds.inc(seconds)

    def add_gauge(self, name: str, help_: str, read: Callable[[], float]) -> None:
        """Add a number that is read at each exposition.

        Parameters
        ----------
        name : str
            What follows ``tilefan_worker_``.
        help_ : str
        read : callable
        """
        Gauge(f"tilefan_worker_{name}", help_, registry=self._registry).set_function(read)

    def expose(self) -> bytes:
        """Return all metrics as text."""
        return generate_latest(self._registry)
