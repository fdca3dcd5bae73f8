"""The announcement of a worker that can serve: lines to paste for people, JSON for programs.

The program that started it gets one line::

    {"tilefan_worker": "0.1.0", "scheme": "https", "host": "node1", "port": 40123,
     "certificate": "MIIB...", "pid": 4711, "kernel": "native", "numpy": "2.4.1", ...}

The first key tells the line from what a remote shell prints. `host` is the address that the worker
listens on, or its machine's name where it listens on all; `certificate` is null without TLS.

In a file it is there whole or not at all, from the moment that the worker can serve to its end. Who
removes the file ends the worker, and who removes its folder ends one that is only starting: that
works from every machine that sees the file, and can't hit another process.
"""

from __future__ import annotations

import json
import socket
import stat
import sys
from dataclasses import dataclass
from pathlib import Path

import typer

from tiling.protocol.pairing import readable
from worker.errors import AnnounceError
from worker.machine import Identity
from worker.security.auth import bracketed
from worker.security.pairing import VALID_S
from worker.security.token_file import replace_file

EVERYWHERE = "0.0.0.0"  # noqa: S104 - the fleet is on other machines; --host narrows it

STDOUT = Path("-")

BEGINS = b'{"tilefan_worker": '
"""The first bytes of every announcement."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """A place where a worker announces itself.

    Parameters
    ----------
    path : Path
        ``-`` is stdout, which can't be taken back.
    """

    path: Path

    def publish(self, host: str, port: int, certificate: str | None, identity: Identity) -> None:
        """Write the line.

        Raises
        ------
        AnnounceError
            If the file can't be written, or there is one that is no announcement: it would be
            replaced now, and removed at the end.
        """
        fields = identity.to_json()
        line = json.dumps(
            {
                "tilefan_worker": fields.pop("version"),
                "scheme": "https" if certificate else "http",
                "host": host,
                "port": port,
                "certificate": certificate,
                **fields,
            }
        )
        if self.path == STDOUT:
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()
            return
        try:
            if not self._is_free():
                message = f"--announce {self.path}: is another file, and stays as it is"
                raise AnnounceError(message)
            replace_file(self.path, f"{line}\n")
        except OSError as error:
            message = f"--announce {self.path}: can't be written: {error.strerror}"
            raise AnnounceError(message) from None

    def _is_free(self) -> bool:
        """Tell whether there is nothing, or what a worker that was killed has left."""
        try:
            status = self.path.lstat()
        except FileNotFoundError:
            return True
        if not stat.S_ISREG(status.st_mode):
            return False
        with self.path.open("rb") as file:
            return status.st_size == 0 or file.read(len(BEGINS)) == BEGINS

    @property
    def is_gone(self) -> bool:
        """Whether somebody has removed the file."""
        try:
            return self.path != STDOUT and not self.path.exists()
        except OSError:  # nobody knows: the folder can't be reached just now
            return False

    def withdraw(self) -> None:
        """Remove the file, so that nobody looks for this worker."""
        if self.path != STDOUT:
            self.path.unlink(missing_ok=True)


def public_name(host: str, bound: str) -> str:
    """Return by which name others find a worker that was to listen on `host`."""
    return socket.gethostname() if host in (EVERYWHERE, "::") else bound


def announce(
    host: str, bound: str, port: int, pin: str | None = None, code: str | None = None
) -> None:
    """Say that this worker can serve, and how a coordinator finds it."""
    there = f"{bracketed(public_name(host, bound))}:{port}"
    lines = [f"listening on http{'s' if pin else ''}://{bracketed(bound)}:{port}"]
    if pin:
        lines += ["[[hosts]]", f'url = "https://{there}"', f'certificate = "{pin}"']
    else:
        lines += [f'hosts = ["{there}"]']
    if code:
        address = f"https://{there}" if pin else there
        minutes = f"within {VALID_S / 60:.0f} minutes, on the coordinator's machine:"
        lines += [minutes, f"  coord pair {address} {readable(code)}"]
    typer.echo("\n".join(lines))
