"""A dask cluster of real processes on loopback, at ports that are free."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from distributed import Client, LocalCluster
from distributed.security import Security


@contextmanager
def dask_cluster(workers: int, security: Security | None = None) -> Iterator[Client]:
    """Start workers of one thread, each with a nanny that starts it again; yield a client.

    With `security` they encrypt.
    """
    with (
        LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            host="tls://127.0.0.1" if security else "127.0.0.1",
            security=security,
            dashboard_address="127.0.0.1:0",
            silence_logs=50,
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client
