"""The coordinator's copy of the fleet's token, found and never made here.

It is found as a worker finds it, by the order of `tiling.protocol.token`. A file that is named and
missing is an error. Without a name and a file, requests carry no token, and a worker that wants one
refuses them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from coordinator.errors import TrustError, TrustWarning
from coordinator.hosts.addresses import is_this_machine
from coordinator.warn import warn
from tiling.errors import BadValueError
from tiling.protocol.token import (
    FILE_NAME,
    MAX_FILE_BYTES,
    TOKEN_VARIABLE,
    Token,
    check_file,
    chosen,
)

if TYPE_CHECKING:
    from coordinator.hosts.hosts_file import Config

PAIR = "start `worker --pair` there and run the line that it prints here"
"""Advice for a worker and a coordinator that do not hold the same token."""

COPY = "copy the token file from the worker's machine (it names the file when it makes it) to"
"""The other advice, where the token is in a file."""


@dataclass(frozen=True, slots=True)
class Credential:
    """The token that requests carry, and the file that it comes from.

    Parameters
    ----------
    path : Path or None
        File of the token, whether it exists or not; None if it is from the environment.
    token : Token, optional
        None where there is no such file.
    """

    path: Path | None
    token: Token | None = None

    @property
    def place(self) -> str:
        """Where the token is."""
        return str(self.path or f"the variable {TOKEN_VARIABLE}")

    @property
    def headers(self) -> dict[str, str]:
        """Headers of every request."""
        return {"Authorization": self.token.header} if self.token else {}

    @property
    def advice(self) -> str:
        """The error, and what to do, where a worker refuses this token."""
        error = f"wants another token than that of {self.place}" if self.token else "wants a token"
        copy = f"; or {COPY} {self.path}, and chmod 600 it" if self.path else ""
        return f"{error}: {PAIR}{copy}"

    def redact(self, text: str) -> str:
        """Return a worker's text with the token replaced, which a worker could echo."""
        return self.token.redact(text) if self.token else text


def find_credential(
    token_file: Path | str | None = None,
    environ: Mapping[str, str] = os.environ,
    *,
    may_be_missing: bool = False,
) -> Credential:
    """Find the token, by the order of `tiling.protocol.token`.

    Parameters
    ----------
    token_file : Path or str, optional
        Comes first.
    environ : mapping
    may_be_missing : bool
        Whether the file that was named need not be there.

    Raises
    ------
    TrustError
        If the file that was named is missing, or any is unreadable, exposed, or holds no token.
    """
    try:
        name = chosen(str(token_file) if token_file else None, environ)
    except BadValueError as error:
        raise TrustError(str(error)) from None
    if isinstance(name, Token):
        return Credential(None, name)
    path = Path(name or platformdirs.user_config_path("tilefan") / FILE_NAME)
    try:
        return Credential(path, _read(path))
    except FileNotFoundError:
        if name and not may_be_missing:
            raise TrustError(f"token file {path}: no such file; {COPY} this place") from None
        return Credential(path)
    except OSError as error:
        raise TrustError(f"token file {path}: can't be read: {error.strerror}") from None
    except BadValueError as error:
        raise TrustError(f"token file {path}: {error}") from None


def _read(path: Path) -> Token:
    """Read a token; the open file is checked, and a pipe without a writer does not block."""
    with open(path, "rb", opener=_open_nonblocking) as file:
        status = os.fstat(file.fileno())
        check_file(status.st_mode, status.st_uid, os.geteuid())
        return Token.from_file(file.read(MAX_FILE_BYTES + 1), status.st_mode)


def _open_nonblocking(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


def warn_of_clear_text(config: Config, credential: Credential) -> None:
    """Warn, once for the whole fleet, if the token is sent without encryption to other machines."""
    exposed = [
        host.name
        for host in config.hosts
        if host.url.startswith("http://") and not is_this_machine(host.url)
    ]
    if credential.token and exposed:
        more = f" and {len(exposed) - 1} more" if exposed[1:] else ""
        warn(
            TrustWarning(
                f"the token goes to {exposed[0]}{more} in clear text, and so does the data: on a "
                "shared network, start each worker with `worker --tls` and "
                "paste the lines that it prints into a hosts.toml",
                tuple(exposed),
            )
        )
