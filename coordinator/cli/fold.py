"""Text for people, on stdout or stderr: on a terminal, lines are broken between words."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from io import StringIO

import typer
from typer._click.exceptions import ClickException

from coordinator.text import printable, wrapped

_LABEL = re.compile(r" *\S+ {2,}| +(?=\S+: )")
"""Of a row, or before a name and its reason. What begins with spaces and has none is a command line
to be copied: left whole."""


def echo(text: str, *, err: bool = False) -> None:
    """Print lines, without what a terminal would take for orders; a pipe gets them whole."""
    stream = sys.stderr if err else sys.stdout
    try:
        columns = os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError, AttributeError):
        columns = 0
    lines = [printable(line) for line in text.split("\n")]
    typer.echo("\n".join(fold(line, columns) if columns else line for line in lines), err=err)


@contextmanager
def folded_errors() -> Iterator[None]:
    """Have mistakes in a command line shown by `echo`."""
    try:
        yield
    except ClickException as error:
        vars(error)["show"] = partial(_show, error)
        raise


def _show(error: ClickException) -> None:
    text = StringIO()
    type(error).show(error, file=text)
    echo(text.getvalue().removesuffix("\n"), err=True)


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
    indent = label.end() if label and 2 < label.end() <= columns / 2 else 4 if label else 2
    if len(line) <= columns or (not label and line.startswith(" ")):
        return line
    return "\n".join(wrapped(line, columns, hanging=" " * indent))
