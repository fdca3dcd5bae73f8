"""Throughput of loopback: blocks echoed over blocking sockets, a thread per connection.

The server is `python -m benchmarks.peers.echo BLOCK_BYTES [sealed]`: it takes a block in whole, as
a worker does, and sends it back. If sealed, both ends also do what no exchange of ours can do
without: a digest over each block at both of its ends, an answer that is another block, and storing
it.
"""

from __future__ import annotations

import socket
import socketserver
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import xxhash

Block = tuple[memoryview, memoryview]
"""Where a block is sent from, and where it is received."""


class Echo(socketserver.BaseRequestHandler):
    """One connection."""

    def handle(self) -> None:
        """Echo blocks until the client has no more."""
        size, sealed = int(sys.argv[1]), sys.argv[2:] == ["sealed"]
        block = memoryview(bytearray(size))
        answer = memoryview(bytearray(size)) if sealed else block
        try:
            while True:
                receive(self.request, block)
                if sealed:
                    seal(block)
                    answer[:] = block
                    seal(answer)
                self.request.sendall(answer)
        except ConnectionError:
            pass


def seal(block: memoryview) -> bytes:
    """Return a block's digest."""
    return xxhash.xxh3_128_digest(block)


def receive(connection: socket.socket, block: memoryview) -> None:
    """Fill a block; raise ConnectionError if the other end has no more."""
    filled = 0
    while filled < len(block):
        count = connection.recv_into(block[filled:])
        if not count:
            raise ConnectionError
        filled += count


def echo_all(
    connections: Sequence[socket.socket], blocks: Sequence[Block], *, sealed: bool = False
) -> None:
    """Have every block echoed; each connection's thread takes the next block."""
    lock = threading.Lock()
    left: Iterator[Block] = iter(blocks)
    answers = {each: memoryview(bytearray(len(blocks[0][0]))) for each in connections if sealed}

    def serve(connection: socket.socket) -> None:
        while True:
            with lock:
                block = next(left, None)
            if block is None:
                return
            there, back = block
            if not sealed:
                connection.sendall(there)
                receive(connection, back)
                continue
            seal(there)
            connection.sendall(there)
            answer = answers[connection]
            receive(connection, answer)
            seal(answer)
            back[:] = answer

    with ThreadPoolExecutor(len(connections)) as threads:
        list(threads.map(serve, connections))


def main() -> None:
    """Serve on a free port of loopback."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo) as server:
        server.daemon_threads = True
        print(f"listening on http://127.0.0.1:{server.server_address[1]}", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
