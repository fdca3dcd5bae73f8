"""The process that holds a port, from Linux's ``/proc``; None where that can't be read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

LISTENING = "0A"
"""The state of a socket that takes connections, in ``/proc/net/tcp``."""


def port_holder(port: int) -> str | None:
    """Return name and number of the process that listens on a port.

    None if there is none, or this user may not look into it.

    Parameters
    ----------
    port : int
    """
    targets = {f"socket:[{inode}]" for inode in _inodes(port)}
    for folder in Path("/proc").glob("[0-9]*") if targets else ():
        if targets & set(_open_files(folder)):
            with suppress(OSError):
                name = (folder / "comm").read_text("utf-8", "replace").strip()
                printable = "".join(c if c.isprintable() else "?" for c in name)
                return f"{printable} (pid {folder.name})"
    return None


def _inodes(port: int) -> Iterator[str]:
    """Yield the inodes of the sockets that listen on a port, of both families."""
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with suppress(OSError):
            for line in Path(table).read_text("ascii").splitlines()[1:]:
                words = line.split()
                if words[3] == LISTENING and int(words[1].rpartition(":")[2], 16) == port:
                    yield words[9]


def _open_files(process: Path) -> Iterator[str]:
    """Yield what the descriptors of a process are, as far as this user may know."""
    try:
        descriptors = list((process / "fd").iterdir())
    except OSError:  # another user's, or it has ended
        return
    for descriptor in descriptors:
        with suppress(OSError):
            yield os.readlink(descriptor)  # noqa: PTH115 -- no file has such a name
