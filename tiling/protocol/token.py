"""The fleet's shared secret, as a value that does not show itself.

Worker and coordinator keep it in a file each and meet by its text. Here are the rules that both
follow: what a token is, which file may hold one, and how it travels. Finding, reading and making
the file is theirs. The text never stands in a repr or in a message of an error.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Self

from tiling.errors import BadValueError

FILE_VARIABLE = "TILEFAN_TOKEN_FILE"
"""Variable of the environment that names the file, where no option does."""

FILE_NAME = "token"
"""Name of the file in the user's configuration folder of `tilefan`, where nothing else is said."""

MAX_FILE_BYTES = 1024
"""A file that is longer is another file."""

_TEXT = re.compile(r"[A-Za-z0-9._~+/=-]{32,512}", re.ASCII)
_OTHERS = 0o077


@dataclass(frozen=True, slots=True)
class Token:
    """A shared secret of at least 32 characters.

    Examples
    --------
    >>> token = Token.from_file(b"0123456789abcdef0123456789abcdef", 0o600)
    >>> token
    Token()
    >>> token.opens(token.header), token.opens("Bearer no"), token.opens(None)
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

    def blot(self, text: str) -> str:
        """Return a stranger's text without this token, should it be in there."""
        return text.replace(self._text, "(token)")

    def opens(self, header: str | None) -> bool:
        """Tell whether a header ``Authorization`` carries this token, in constant time."""
        from hmac import compare_digest  # which loads OpenSSL

        scheme, _, given = (header or "").partition(" ")
        same = compare_digest(
            given.strip().encode("utf-8", "surrogateescape"), self._text.encode("ascii")
        )
        return same and scheme.lower() == "bearer"
