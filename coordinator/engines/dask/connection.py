"""The way to a dask scheduler, from its address."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from coordinator.engines.dask.cluster import reason_of
from coordinator.errors import InputError, NoWorkerError

CONNECT_S = 5.0
"""Longest wait for a scheduler."""

LOG_OF_MESSAGES = "distributed.admin.low-level-log-length"
"""How many of the last messages dask keeps, if below 1 MB: blocks of tiles would be among them."""

NEEDS = "a dask cluster needs distributed here: pip install 'tilefan[dask]'"


@contextmanager
def connected(address: str) -> Iterator[Any]:
    """Yield a `distributed.Client` of the scheduler that has this address.

    Parameters
    ----------
    address : str
        ``dask://HOST:PORT``.

    Raises
    ------
    InputError
        If it is no such address.
    NoWorkerError
        If no scheduler answers there.
    """
    if not re.fullmatch(r"dask://[^/]+:\d+", address):
        raise InputError(f"--engine {address}: no address such as dask://scheduler:8786")
    try:
        import dask
        from distributed import Client
    except ImportError:
        raise InputError(NEEDS) from None
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # events tell what happens
    dask.config.set({LOG_OF_MESSAGES: 0})
    try:
        client = Client(address.replace("dask:", "tcp:", 1), timeout=CONNECT_S)
    except OSError as error:
        why = f"no dask scheduler answers at {address}: {reason_of(error)}"
        raise NoWorkerError(why) from None
    with client:
        yield client
