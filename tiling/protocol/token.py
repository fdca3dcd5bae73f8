"""The fleet's shared secret: what a token is, which file may hold it, and its header.

Worker and coordinator hold the same text in a file each; both follow the rules below. Each finds,
reads or makes its own file. The text is never part of a repr or of an error's message.
"""

from __future__ import annotations

import re
import stat
from dataclasses import dataclass, field
from typing import Self

from tiling.errors import BadValueError

FILE_VARIABLE = "TILEFAN_TOKEN_FILE"
"""Variable of the environment that names the file, where no option does."""

FILE_NAME = "token"
"""Default name of the file, in the user's configuration folder of `tilefan`."""

MAX_FILE_BYTES = 1024
"""A file that is longer is another file."""

_TEXT = re.compile(r"[A-Za-z0-9._~+/=-]{32,512}", re.ASCII)
_OTHERS = 0o077


def check_file(mode: int, owner: int, user: int) -> None:
    """Refuse a file that is none, or that somebody else could change; no byte of it was read yet.

    Parameters
    ----------
    mode : int
        Type and permission bits, as `os.fstat` gives them.
    owner, user : int
        Number of the file's owner, and of the user who reads it.

    Raises
    ------
    BadValueError
    """
    if not stat.S_ISREG(mode):
        raise BadValueError("it is no regular file; name the file that holds the token")
    if owner not in {0, user}:
        raise BadValueError("it belongs to somebody else: make a copy of your own")


@dataclass(frozen=True, slots=True)
class Token:
    """A shared secret of at least 32 characters.

    Examples
    --------
    >>> token = Token.from_file(b"0123456789abcdef0123456789abcdef", 0o600)
    >>> token
    Token()
    >>> token.matches(token.header), token.matches("Bearer no"), token.matches(None)
    (True, False, False)
    """

    _text: str = field(repr=False)

    @classmethod
    def from_file(cls, content: bytes, mode: int) -> Self:
        """Return the token that a file holds.

        Parameters
        ----------
        content : bytes
            Of the file; white space around the token is dropped.
        mode : int
            Permission bits of the file.

        Raises
        ------
        BadValueError
            If others can read the file, or it holds no token.
        """
        if mode & _OTHERS:
            raise BadValueError(f"others have access to it (mode {mode & 0o777:o}): chmod 600 it")
        text = content.decode("ascii", "replace").strip()
        if not text:
            raise BadValueError("it is empty")
        if not _TEXT.fullmatch(text):
            raise BadValueError("it must hold 32 to 512 letters, digits or ._~+/=- and no more")
        return cls(text)

    @property
    def header(self) -> str:
        """The value of the header ``Authorization``."""
        return f"Bearer {self._text}"

    def redact(self, text: str) -> str:
        """Return a text with every occurrence of this token replaced by ``(token)``.

        Parameters
        ----------
        text : str
        """
        return text.replace(self._text, "(token)")

    def matches(self, header: str | None) -> bool:
        """Tell whether a header ``Authorization`` carries this token, in constant time.

        Parameters
        ----------
        header : str or None
            The Authorization header of a request.
        """
        from hmac import compare_digest  # which loads OpenSSL

        scheme, _, text = (header or "").partition(" ")
        is_same = compare_digest(
            text.strip().encode("utf-8", "surrogateescape"), self._text.encode("ascii")
        )
        return is_same and scheme.lower() == "bearer"
