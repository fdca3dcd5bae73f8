"""A network of its own on this machine, with one cable to it, by the kernel's namespaces."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE, THERE = "10.213.77.1", "10.213.77.2"
"""The addresses at the two ends of the cable."""


class NoNetworkError(Exception):
    """No network can be made here: the rights or the commands for it are missing."""


def ip(*words: str) -> bool:
    """Run `ip`; return whether it did what was asked."""
    return _done("ip", *words)


@contextmanager
def cabled_network(rate: str = "") -> Iterator[tuple[str, str]]:
    """Make a network with one cable to this one; yield its name and the name of its plug.

    Parameters
    ----------
    rate : str
        Of the cable in each direction, as `tc` has it, such as ``1gbit``; none unless given.

    Raises
    ------
    NoNetworkError
        If that can't be done here.
    """
    name, plug = f"tilefan-{os.getpid()}", f"tf{os.getpid()}"
    try:
        if not ip("netns", "add", name):
            raise NoNetworkError
        assert ip("link", "add", plug, "type", "veth", "peer", "name", "plug", "netns", name)
        assert ip("addr", "add", f"{HERE}/30", "dev", plug)
        assert ip("link", "set", plug, "up")
        assert ip("-n", name, "addr", "add", f"{THERE}/30", "dev", "plug")
        assert ip("-n", name, "link", "set", "plug", "up")
        assert ip("-n", name, "link", "set", "lo", "up")
        if rate and not (_shaped(rate, plug) and _shaped(rate, "plug", "-n", name)):
            raise NoNetworkError
        yield name, "plug"
    except FileNotFoundError:
        raise NoNetworkError from None
    finally:
        if Path("/run/netns", name).exists():
            ip("link", "del", plug)
            ip("netns", "del", name)


def _shaped(rate: str, end: str, *within: str) -> bool:
    bucket = ("tbf", "rate", rate, "burst", "1mb", "latency", "50ms")
    return _done("tc", *within, "qdisc", "add", "dev", end, "root", *bucket)


def _done(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
