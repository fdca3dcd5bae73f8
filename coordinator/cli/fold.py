"""Text for people, on stdout or stderr: on a terminal, lines are broken between words."""

from __future__ import annotations

import os
import re
import sys
import textwrap

import typer

_LABEL = re.compile(r" *\S+  ")
"""Of a row. What begins with spaces and has none is a command line to be copied: left whole."""


def echo(text: str, *, err: bool = False) -> None:
    """Print lines; a pipe and a file get them whole."""
    stream = sys.stderr if err else sys.stdout
    try:
        columns = os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError, AttributeError):
        columns = 0
    lines = text.split("\n")
    typer.echo("\n".join(fold(line, columns) for line in lines) if columns else text, err=err)


def fold(line: str, columns: int) -> str:
    r"""Break a line between words; its other lines begin below the text behind its label.

    Examples
    --------
    >>> print(fold("verdict  run it here: it takes no time", 24))
    verdict  run it here: it
             takes no time
    >>> print(fold("coord: in.npy: no such file", 24))
    coord: in.npy: no such
      file
    """
    label = _LABEL.match(line)
    if len(line) <= columns or (not label and line.startswith(" ")):
        return line
    return textwrap.fill(
        line,
        columns,
        subsequent_indent=" " * (label.end() if label else 2),
        break_long_words=False,
        break_on_hyphens=False,
    )
