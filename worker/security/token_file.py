"""The file of the fleet's token: found, read, or made on first use."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import platformdirs

from tiling.errors import BadValueError
from tiling.protocol.token import FILE_NAME, MAX_FILE_BYTES, Token, check_file
from worker.errors import TokenFileError

TOKEN_BYTES = 32
"""Random bytes of a new token: 256 bits."""


def token_path(path: Path | None) -> Path:
    """Return a path, or that of the user's own file where it is None."""
    return path or platformdirs.user_config_path("tilefan") / FILE_NAME


def load_token(path: Path) -> tuple[Token, bool]:
    """Return the token of a file, and whether the file had to be made first.

    Raises
    ------
    TokenFileError
        If the file can't be read or made, is no regular file, belongs to or is readable for others,
        or holds no token.
    """
    try:
        made = not path.exists() and write_once(path, secrets.token_urlsafe(TOKEN_BYTES) + "\n")
        return _read(path), made
    except BadValueError as error:
        raise TokenFileError(f"token file {path}: {error}") from None
    except OSError as error:
        raise TokenFileError(f"token file {path}: {error}") from None


def _read(path: Path) -> Token:
    """Read a token; the open file is checked, and a pipe without a writer does not block."""
    with open(path, "rb", opener=_open_nonblocking) as file:
        status = os.fstat(file.fileno())
        check_file(status.st_mode, status.st_uid, os.geteuid())
        return Token.from_file(file.read(MAX_FILE_BYTES + 1), status.st_mode)


def _open_nonblocking(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


def write_once(path: Path, content: str) -> bool:
    """Write a new file of mode 600 atomically; an existing one is left as it is.

    Returns
    -------
    bool
        Whether it was written.

    Raises
    ------
    OSError
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(content)
        path.hardlink_to(draft)
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    return True
