"""Targets of ssh, of which none can be taken for an option, a path or a command."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from coordinator.errors import InputError

_WORD: Final = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"
_TARGET: Final = re.compile(f"({_WORD}@)?{_WORD}")


def checked(targets: Iterable[str]) -> list[str]:
    """Return targets, if each is one.

    Raises
    ------
    InputError
        If one is none, or stands twice.

    Examples
    --------
    >>> checked(["node1", "me@10.0.0.2"])
    ['node1', 'me@10.0.0.2']
    """
    targets = list(targets)
    for target in targets:
        if not isinstance(target, str) or not _TARGET.fullmatch(target):
            raise InputError(f"{target!a} is no target of ssh: write node1 or me@node1, no port")
        if targets.count(target) > 1:
            raise InputError(f"{target} stands twice; leave one out")
    return targets
