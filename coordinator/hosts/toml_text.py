"""The text of a hosts file: on which line a key is, and why it can't be read."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from pathlib import Path
from typing import Final, TypeAlias

from coordinator.hosts.addresses import DEFAULT_PORT

Key: TypeAlias = tuple[str | int, ...]

WRITE_ONE: Final = 'write the line hosts = ["node1:8080", "node2:8080"] into one'
"""A whole hosts file in a sentence: `hosts.example.toml` is not installed."""

HEADER = re.compile(r"\s*\[(\[?)\s*([\w-]+)\s*\]")
ENTRY = re.compile(r"\s*([\w-]+)\s*=")
TWO_FORMS: Final = (r"^\s*hosts\s*=", r"^\s*\[\[\s*hosts\s*\]\]")


def lines_of(text: str) -> dict[Key, int]:
    """Return the line of each key, found by patterns: TOML's parser does not give them."""
    lines: dict[Key, int] = {}
    table: Key = ()
    count: Counter[str] = Counter()
    for number, line in enumerate(text.splitlines(), 1):
        if header := HEADER.match(line):
            name = header[2]
            table = (name, count[name]) if header[1] else (name,)
            count[name] += 1
            lines.setdefault(table, number)
        elif entry := ENTRY.match(line):
            lines.setdefault((*table, entry[1]), number)
    return lines


def _meant(path: Path) -> str:
    """Return what was meant by a file that is not there: another one, or a worker's name."""
    names = [each.name for each in path.parent.glob("*.toml")]
    if close := difflib.get_close_matches(path.name, names, 1, cutoff=0.75):
        return f"; did you mean {path.with_name(close[0])}?"
    is_name = len(path.parts) == 1 and not path.suffix
    return f"; did you mean the worker {path}:{DEFAULT_PORT}?" if is_name else f"; {WRITE_ONE}"


def unreadable(error: Exception, text: str) -> str:
    """Return why a hosts file can't be read."""
    match error:
        case FileNotFoundError():
            return f"no such file{_meant(Path(error.filename))}"
        case OSError():
            return f"can't be read: {error.strerror}"
        case UnicodeDecodeError():
            return f"is not UTF-8 text; {WRITE_ONE}"
        case _ if all(re.search(form, text, re.MULTILINE) for form in TWO_FORMS):
            return "has both hosts = [...] and [[hosts]]; TOML allows one form, so keep one of them"
        case _:
            return f"is not TOML: {error}"
