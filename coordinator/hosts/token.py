"""The fleet's token as the coordinator finds it: read from its file, never made here.

The rule is the worker's (see `tiling.protocol.token`): the file that an option names, or the
variable ``TILEFAN_TOKEN_FILE``, or ``token`` in the user's configuration folder. Who names a file
means it, so one that is not there is an error; where nobody names one and there is none, the fleet
is taken to be open, and a worker that is not says so.
"""

from __future__ import annotations

import os
import stat
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from coordinator.errors import TrustError, TrustWarning
from coordinator.hosts.addresses import is_loopback
from tiling.errors import BadValueError
from tiling.protocol.token import FILE_NAME, FILE_VARIABLE, MAX_FILE_BYTES, Token

if TYPE_CHECKING:
    from coordinator.hosts.hosts_file import Config

COPY = "copy the token file from the worker's machine (it names the file when it makes it) to"
"""What helps when a worker and this coordinator do not hold the same token."""


@dataclass(frozen=True, slots=True)
class Credential:
    """What this coordinator shows to workers, and the file that it comes from.

    Parameters
    ----------
    path : Path
        Where the token is, or would be.
    token : Token, optional
        None where there is no such file.
    """

    path: Path
    token: Token | None = None

    @property
    def headers(self) -> dict[str, str]:
        """What every request carries."""
        return {"Authorization": self.token.header} if self.token else {}

    @property
    def advice(self) -> str:
        """What to do about a worker that lets this coordinator not in."""
        what = f"wants another token than that of {self.path}" if self.token else "wants a token"
        return f"{what}: {COPY} {self.path}, and chmod 600 it"

    def blot(self, text: str) -> str:
        """Return what a worker said without the token, which it knows."""
        return self.token.blot(text) if self.token else text


def find_credential(
    given: Path | str | None = None, environ: Mapping[str, str] = os.environ
) -> Credential:
    """Read the token from the file that was given, or from where it is looked for.

    Raises
    ------
    TrustError
        If the file that was named is missing, or any is unreadable, exposed, or holds no token.
    """
    named = given or environ.get(FILE_VARIABLE)
    path = Path(named or platformdirs.user_config_path("tilefan") / FILE_NAME)
    try:
        return Credential(path, _read(path))
    except FileNotFoundError:
        if named:
            raise TrustError(f"token file {path}: no such file; {COPY} there") from None
        return Credential(path)
    except OSError as error:
        raise TrustError(f"token file {path}: can't be read: {error.strerror}") from None
    except BadValueError as error:
        raise TrustError(f"token file {path}: {error}") from None


def _read(path: Path) -> Token:
    """Read a token; what is checked is the file that was opened, and no pipe is waited for."""
    with open(path, "rb", opener=_without_waiting) as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise BadValueError("it is no regular file; name the file that holds the token")
        if found.st_uid not in {0, os.geteuid()}:
            raise BadValueError("it belongs to somebody else: make a copy of your own")
        return Token.from_file(file.read(MAX_FILE_BYTES + 1), found.st_mode)


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


def warn_of_clear_text(config: Config, credential: Credential) -> None:
    """Warn, once for the whole fleet, if the token will travel where others can read it."""
    exposed = [
        host.name
        for host in config.hosts
        if host.url.startswith("http://") and not is_loopback(host.url)
    ]
    if credential.token and exposed:
        more = f" and {len(exposed) - 1} more" if exposed[1:] else ""
        warnings.warn(
            f"the token goes to {exposed[0]}{more} in clear text, and so does the data: on a "
            "network that you share with strangers, start each worker with `worker --tls` and "
            "paste the lines that it prints into hosts.toml",
            TrustWarning,
            stacklevel=2,
        )
