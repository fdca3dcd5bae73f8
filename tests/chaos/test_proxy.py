"""The proxy itself: what it leaves behind would fail the test that runs next."""

from __future__ import annotations

import gc
import socket

from tests.chaos.proxy import open_proxies


def test_closing_while_connections_arrive() -> None:
    """Those that were accepted and those that were not are closed, tasks and sockets."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as worker:
        address = f"127.0.0.1:{worker.getsockname()[1]}"
        for _ in range(20):
            with open_proxies() as group:
                port = int(group.proxy(address).address.rpartition(":")[2])
                clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(4)]
            for client in clients:
                client.close()
    gc.collect()  # each that is left is a warning, and so an error
