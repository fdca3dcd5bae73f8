"""The way to a dask scheduler, from its address."""

from __future__ import annotations

import logging
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from coordinator.engines.dask.cluster import reason_of
from coordinator.errors import InputError, NoWorkerError, TrustError

CONNECT_S = 5.0
"""Longest wait for a scheduler."""

LOG_OF_MESSAGES = "distributed.admin.low-level-log-length"
"""How many of the last messages dask keeps, if below 1 MB: blocks of tiles would be among them."""

KEYS = "distributed.comm.tls (ca-file, client.cert, client.key) and .require-encryption"

NEEDS = "a dask cluster needs distributed here: pip install 'tilefan[dask]'"


@contextmanager
def connected(address: str) -> Iterator[Any]:
    """Yield a `distributed.Client` of the scheduler that has this address.

    Parameters
    ----------
    address : str
        ``dask://HOST:PORT``, or as the scheduler says it: ``tcp://HOST:PORT``, ``tls://HOST:PORT``.
        For the last, dask's own configuration names the certificates.

    Raises
    ------
    InputError
        If it is no such address, or the configuration does not fit it.
    NoWorkerError
        If no scheduler answers there.
    TrustError
        If one of the two does not trust the other.
    """
    if not re.fullmatch(r"(dask|tcp|tls)://[^/]+:\d+", address):
        raise InputError(f"--engine {address}: no address such as dask://scheduler:8786")
    try:
        import dask
        from distributed import Client
        from distributed.comm import CommClosedError
    except ImportError:
        raise InputError(NEEDS) from None
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # events tell what happens
    dask.config.set({LOG_OF_MESSAGES: 0})
    try:
        client = Client(address.replace("dask:", "tcp:", 1), timeout=CONNECT_S)
    except (CommClosedError, ValueError) as error:  # the latter of what speaks before TLS does
        if address.startswith("tls:"):
            why = "and we do not trust each other, or it does not encrypt"
            raise TrustError(f"the dask scheduler at {address} {why}: {reason_of(error)}") from None
        raise NoWorkerError(f"{_nobody(address, error)}; if it encrypts, say tls://") from None
    except (TypeError, RuntimeError, FileNotFoundError, PermissionError, ssl.SSLError) as error:
        why = f"does not fit dask's configuration, {KEYS}: {reason_of(error)}"
        raise InputError(f"--engine {address} {why}") from None
    except OSError as error:
        raise NoWorkerError(_nobody(address, error)) from None
    with client:
        yield client


def _nobody(address: str, error: BaseException) -> str:
    return f"no dask scheduler answers at {address}: {reason_of(error)}"
