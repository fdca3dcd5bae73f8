"""Addresses of workers, normalised to ``scheme://host:port``.

``node1``, ``NODE1:8080`` and ``http://node1:8080/`` are the same worker. The default port is 8080,
with either scheme. Names are not resolved: two names of one machine are two workers here.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from typing import Final
from urllib.parse import SplitResult, urlsplit

DEFAULT_PORT: Final = 8080  # the default of `worker --port`

_NAME = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?\.?")


def normalise(text: str) -> str:
    """Return the address of a worker in the form ``scheme://host:port``.

    Parameters
    ----------
    text : str
        Host, with or without scheme and port.

    Raises
    ------
    ValueError
        If `text` is no such address; the message says why, and what to write instead.

    Examples
    --------
    >>> normalise("Node1"), normalise("https://[::1]:9000/")
    ('http://node1:8080', 'https://[::1]:9000')
    """
    _check_characters(text)
    if text.count(":") > 1 and "[" not in text and "://" not in text:
        raise ValueError(
            f"an IPv6 address goes in square brackets, such as [::1]:8080; got {text!a}"
        )
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
    except ValueError as error:
        raise ValueError(f"{text!a} is no address: {error}") from None
    _check_parts(text, parts)
    return f"{parts.scheme}://{_host(text, parts)}:{_port(text, parts)}"


def name_of(url: str) -> str:
    """Return the name of the worker at a normalised URL: ``host:port``."""
    return url.partition("://")[2]


def is_this_machine(url: str) -> bool:
    """Tell whether a normalised URL is plainly one of this machine's own; no name is looked up.

    Examples
    --------
    >>> is_this_machine("http://127.0.0.1:8080"), is_this_machine("http://203.0.113.7:8080")
    (True, False)
    """
    host = urlsplit(url).hostname or ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host in {"localhost", socket.gethostname().lower()}
    if address.is_loopback:
        return True
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((host, 0))  # only an address of its own can be bound
        except OSError:
            return False
    return not address.is_unspecified


def _check_characters(text: str) -> None:
    if not text:
        raise ValueError("is empty; give an address such as node1:8080")
    if any(c.isspace() or not c.isprintable() for c in text):
        raise ValueError(f"{text!a} has white space or control characters in it; take them out")


def _check_parts(text: str, parts: SplitResult) -> None:
    if parts.scheme not in {"http", "https"}:
        raise ValueError(f"the scheme must be http or https, got {parts.scheme!a}")
    if "@" in parts.netloc:
        raise ValueError("a user name or password has no place in an address; take it out")
    if parts.path not in {"", "/"} or "?" in text or "#" in text:
        raise ValueError(f"only host and port are wanted, without path or query; got {text!a}")


def _host(text: str, parts: SplitResult) -> str:
    host = parts.hostname or ""
    if "[" in parts.netloc:
        try:
            return f"[{ipaddress.IPv6Address(host)}]"
        except ValueError:
            raise ValueError(f"{host!a} is no IPv6 address") from None
    numeric = host.replace(".", "").isdigit()
    if not _NAME.fullmatch(host) or (numeric and not _is_ipv4(host)):
        raise ValueError(f"{text!a} has no valid host name; write it such as node1:8080")
    return host.removesuffix(".")


def _is_ipv4(host: str) -> bool:
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        return False
    return True


def _port(text: str, parts: SplitResult) -> int:
    digits = parts.netloc.rpartition("]")[2].rpartition(":")[2] if ":" in parts.netloc else ""
    try:
        port = DEFAULT_PORT if parts.port is None else parts.port
    except ValueError:
        port = 0
    if not 1 <= port <= 65535:
        raise ValueError(f"a port is a number from 1 to 65535, got {digits!a} in {text!a}")
    return port
