"""The way to a worker's port: name lookup and TCP, each with a bound; tests inject their own."""

from __future__ import annotations

import queue
import socket
import threading
from typing import Any, Protocol


class Network(Protocol):
    """A way to connect to an address."""

    def connect(self, host: str, port: int, timeout_s: float) -> socket.socket:
        """Return a connected stream socket.

        Parameters
        ----------
        host : str
            A name or an address.
        port : int
        timeout_s : float
            Longest wait for the name server, and for each of the host's addresses.

        Raises
        ------
        OSError
            If nobody is there; TimeoutError if nobody says so in time.
        """


class TcpNetwork:
    """TCP over the addresses that the system's resolver knows."""

    def connect(self, host: str, port: int, timeout_s: float) -> socket.socket:
        """Connect to the first of the host's addresses that accepts; see `Network.connect`.

        Raises
        ------
        OSError
            That of the last address; TimeoutError if there was no answer in time.
        """
        error = OSError("no address")
        try:
            for family, kind, protocol, _, address in addresses(host, port, timeout_s):
                sock = socket.socket(family, kind, protocol)
                try:
                    sock.settimeout(timeout_s)
                    sock.connect(address)
                    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                except OSError as refused:
                    sock.close()
                    error = refused
                else:
                    return sock
            raise error
        finally:
            del error  # its traceback has this frame: all that the callers hold would stay


TCP = TcpNetwork()


def addresses(host: str, port: int, timeout_s: float) -> list[Any]:
    """Return what `socket.getaddrinfo` does, within a time; it has no bound of its own.

    Parameters
    ----------
    host : str
    port : int
    timeout_s : float

    Raises
    ------
    OSError
        If there is no such name; TimeoutError if the name server does not answer.
    """
    found: queue.SimpleQueue[list[Any] | Exception] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            found.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            found.put(error)

    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):  # a name, not an address
        threading.Thread(target=look_up, name="tilefan lookup", daemon=True).start()
    try:
        result = found.get(timeout=timeout_s)
    except queue.Empty:
        raise TimeoutError("no answer of the name server in time") from None
    if isinstance(result, Exception):
        raise result
    return result
