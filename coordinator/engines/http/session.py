"""All that is open between this process and a fleet: threads, connections, a client a worker."""

from __future__ import annotations

import os
from typing import Self

from coordinator.engines.http.client import GREETING_S, Client
from coordinator.engines.http.link import Link
from coordinator.engines.http.network import TCP, Network
from coordinator.engines.http.pool import ConnectionPool
from coordinator.engines.http.threads import Threads
from coordinator.hosts.certificates import tls_context
from coordinator.hosts.hosts_file import Config
from coordinator.hosts.token import Credential

MOST_THREADS = 4096
"""A thread is held while bytes move, by peers that are slow on purpose for as long as they like."""


class Session:
    """A context with a client for each worker; all is closed when it ends.

    Parameters
    ----------
    config : Config
        The hosts, and how long to wait for them.
    credential : Credential
        Shown with every request.
    greeting_s : float
        Longest wait for the answer to a greeting.
    network : Network
        Connects; TCP unless given.

    Attributes
    ----------
    threads : Threads
    clients : dict of str to Client
        By the worker's name.
    closed : bool
    """

    def __init__(
        self,
        config: Config,
        credential: Credential,
        greeting_s: float = GREETING_S,
        network: Network = TCP,
    ) -> None:
        self._process = os.getpid()
        self.closed = False
        self.threads = Threads(MOST_THREADS)
        self._pool = ConnectionPool(config.defaults.connect_timeout_s, credential.headers, network)
        links: list[Link] = []
        self.clients = {
            host.name: Client(
                host,
                self._pool,
                self.threads,
                credential,
                Link(config.defaults.wire_codec, links),
                tls_context(host.certificate, host.ca),
                greeting_s,
            )
            for host in config.hosts
        }

    @property
    def is_ours(self) -> bool:
        """Whether this process opened it: a forked child has its descriptors, not its threads."""
        return self._process == os.getpid()

    def close(self) -> None:
        """Break off what is under way; idle threads end. In a forked child, leave the parent's."""
        if self.is_ours:
            self.closed = True
            self._pool.close()
            self.threads.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
