"""The fleet's token as a worker holds it: found, made on first use, or replaced by pairing."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from tiling.errors import BadValueError
from tiling.protocol.token import FILE_NAME, MAX_FILE_BYTES, Token, check_file, chosen
from worker.errors import TokenFileError

TOKEN_BYTES = 32
"""Random bytes of a new token: 256 bits."""


@dataclass(frozen=True, slots=True)
class SharedToken:
    """A token and where it is from.

    Parameters
    ----------
    token : Token
    path : Path, optional
        None if it is from the environment.
    made : bool
        Whether the file had to be made.
    """

    token: Token
    path: Path | None = None
    made: bool = False


def find_token(option: Path | None, environ: Mapping[str, str] = os.environ) -> SharedToken:
    """Find the token as `tiling.protocol.token` has it; make its file if there is none.

    Parameters
    ----------
    option : Path or None
        File that the command line names.
    environ : mapping

    Raises
    ------
    TokenFileError
        As `load_token` does, or if the environment holds a token that is none.
    """
    try:
        found = chosen(str(option) if option else None, environ)
    except BadValueError as error:
        raise TokenFileError(str(error)) from None
    if isinstance(found, Token):
        return SharedToken(found)
    path = Path(found) if found else platformdirs.user_config_path("tilefan") / FILE_NAME
    token, made = load_token(path)
    return SharedToken(token, path, made)


def own_files(*named: Path | None) -> tuple[Path, ...]:
    """Return what no place may be: the folder of this program's settings, and files named here."""
    return (platformdirs.user_config_path("tilefan"), *(path for path in named if path))


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
    _make_folder(path)
    with _draft(path, content) as draft:
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            return False
    return True


def replace_token(path: Path, token: Token) -> None:
    """Put a token in the place of a file's content: atomically, with mode 600.

    Raises
    ------
    OSError
    """
    _make_folder(path)
    replace_file(path, token.reveal() + "\n")


def replace_file(path: Path, content: str) -> None:
    """Write a file of mode 600 atomically, in the place of one that may be there.

    Raises
    ------
    OSError
        If there is no such folder, too.
    """
    with _draft(path, content) as draft:
        draft.replace(path)


def _make_folder(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)


@contextmanager
def _draft(path: Path, content: str) -> Iterator[Path]:
    """Yield a file of mode 600 beside another, which is gone afterwards."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(content)
        yield draft
    finally:
        draft.unlink(missing_ok=True)
