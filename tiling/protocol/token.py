"""The fleet's shared secret: what a token is, where it may come from, and its header.

Worker and coordinator hold the same text, mostly in a file each, and both follow the rules below.
Each finds, reads or makes its own file. What names the token, the first of these that is there:

1. an option that names its file;
2. the variable ``TILEFAN_TOKEN``, the token itself;
3. the variable ``TILEFAN_TOKEN_FILE``, which names its file;
4. the file ``token`` in the user's configuration folder.

The text is never part of a repr or of an error's message.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from tiling.errors import BadValueError

TOKEN_VARIABLE = "TILEFAN_TOKEN"  # noqa: S105 - a name, no secret
"""Variable of the environment that is the token, where no option names a file."""

FILE_VARIABLE = "TILEFAN_TOKEN_FILE"
"""Variable of the environment that names the file, where there is no such token."""

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
    def parse(cls, text: str) -> Self:
        """Return the token that a text is; white space around it is dropped.

        Parameters
        ----------
        text : str

        Raises
        ------
        BadValueError
            If it is none.
        """
        text = text.strip()
        if not text:
            raise BadValueError("it is empty")
        if not _TEXT.fullmatch(text):
            raise BadValueError("it must hold 32 to 512 letters, digits or ._~+/=- and no more")
        return cls(text)

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
        return cls.parse(content.decode("ascii", "replace"))

    def reveal(self) -> str:
        """Return the secret, for who is meant to have it."""
        return self._text

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


def chosen(option: str | None, environ: Mapping[str, str]) -> Token | str | None:
    """Return the token, or the name of its file; None where the user's own file is meant.

    Parameters
    ----------
    option : str or None
        File that the command line names.
    environ : mapping

    Raises
    ------
    BadValueError
        If the environment holds a token that is none.

    Examples
    --------
    >>> chosen(None, {"TILEFAN_TOKEN": "0123456789abcdef" * 2, "TILEFAN_TOKEN_FILE": "a"})
    Token()
    >>> chosen("b", {"TILEFAN_TOKEN_FILE": "a"}), chosen(None, {"TILEFAN_TOKEN_FILE": "a"})
    ('b', 'a')
    """
    if option:
        return option
    if text := environ.get(TOKEN_VARIABLE):
        try:
            return Token.parse(text)
        except BadValueError as error:
            raise BadValueError(f"the variable {TOKEN_VARIABLE}: {error}") from None
    return environ.get(FILE_VARIABLE) or None
