"""What a power cut or a kill leaves: what was synced, and of the rest all, or what is worst.

Two things may be lost independently of each other. Names: the disk has those of the last fsync of
their folder, or by chance all of them already. Contents: the disk has those of the last fsync of a
file; of what was written since it has nothing, or zeros, for sizes are often there before samples.
"""

from __future__ import annotations

import itertools
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from tests.support.recording_disk import ROOT, Change

Tree: TypeAlias = dict[str, "bytes | str | None"]
"""By path: contents of a file, None of a folder, and the first path of a file with several."""


@dataclass
class _Node:
    mode: int
    names: dict[bytes, int] = field(default_factory=dict)
    synced_names: dict[bytes, int] = field(default_factory=dict)
    data: bytearray = field(default_factory=bytearray)
    synced: bytes = b""
    dirty: set[int] = field(default_factory=set)
    """Bytes written since, as numbers of pages."""


PAGE = 4096
UNSYNCED = ("nothing", "zeros", "all of it")


class _Replay:
    """The filesystem again, with what of it is on the disk."""

    def __init__(self) -> None:
        self._nodes = {ROOT: _Node(stat.S_IFDIR)}

    def do(self, change: Change) -> None:
        match change:
            case ("name", folder, name, None, _):
                del self._nodes[folder].names[name]
            case ("name", folder, name, number, mode):
                self._nodes.setdefault(number, _Node(mode))
                self._nodes[folder].names[name] = number
            case ("write", number, at, data):
                node = self._nodes[number]
                node.data.extend(bytes(max(0, at - len(node.data))))
                node.data[at : at + len(data)] = data
                node.dirty |= set(range(at // PAGE, -(-(at + len(data)) // PAGE)))
            case ("resize", number, size):
                node = self._nodes[number]
                del node.data[size:]
                node.data.extend(bytes(size - len(node.data)))
            case ("fsync", number):
                node = self._nodes[number]
                node.synced, node.dirty = bytes(node.data), set()
                node.synced_names = dict(node.names)

    def tree(self, names_too: bool, unsynced: str) -> Tree:
        """Return what is on the disk."""
        tree: Tree = {}
        paths: dict[int, str] = {}
        folders = [("", ROOT)]
        while folders:
            path, number = folders.pop()
            node = self._nodes[number]
            for name, inner in sorted((node.names if names_too else node.synced_names).items()):
                here = f"{path}{name.decode()}"
                if stat.S_ISDIR(self._nodes[inner].mode):
                    tree[here] = None
                    folders.append((f"{here}/", inner))
                elif inner in paths:
                    tree[here] = paths[inner]
                else:
                    paths[inner] = here
                    tree[here] = self._contents(self._nodes[inner], unsynced)
        return tree

    def trees(self) -> Iterator[Tree]:
        """Yield what may be on the disk; last, what is there if only the process dies."""
        for names_too, unsynced in itertools.product((False, True), UNSYNCED[:2]):
            yield self.tree(names_too, unsynced)
        yield self.tree(True, UNSYNCED[2])

    def _contents(self, node: _Node, unsynced: str) -> bytes:
        if unsynced != "zeros":
            return node.synced if unsynced == "nothing" else bytes(node.data)
        data = bytearray(node.data)
        for page in node.dirty:
            here = slice(page * PAGE, min((page + 1) * PAGE, len(data)))
            kept = node.synced[here]
            data[here] = kept + bytes(here.stop - here.start - len(kept))
        return bytes(data)


def left_by_cuts(changes: Sequence[Change], since: int = 0) -> list[Tree]:
    """Return the states in which power cuts and kills may leave the filesystem, each once.

    Parameters
    ----------
    changes : sequence
        What it recorded, see `tests.support.recording_disk`; a rename is done or is not.
    since : int
        Changes after which the power may be cut.
    """
    replay, whole = _Replay(), True
    found: dict[Any, Tree] = {}
    for number, change in enumerate(changes):
        replay.do(change)
        whole = change[0] != "together" and (whole or change[0] == "apart")
        if whole and number >= since:
            found |= {frozenset(tree.items()): tree for tree in replay.trees()}
    return [*found.values()]


def left_at_the_end(changes: Sequence[Change]) -> list[Tree]:
    """Return the states in which a power cut may leave it after all changes."""
    return left_by_cuts(changes, len(changes) - 1)


def lay(tree: Tree, folder: Path) -> None:
    """Make a folder that holds what was left."""
    folder.mkdir(exist_ok=True)
    for name, contents in sorted(tree.items(), key=lambda item: isinstance(item[1], str)):
        path = folder / name
        if contents is None:
            path.mkdir(parents=True, exist_ok=True)
        elif isinstance(contents, bytes):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(contents)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            os.link(folder / contents, path)
