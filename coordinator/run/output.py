"""Where a run's tiles go, and what becomes of them when it ends: all, some or nothing.

it is done                            the file at the final path, and nothing beside it
it ends before any tile is stored     nothing
it ends with tiles that are finished  the partial file and its journal, for `--resume`
two workers disagree about a tile     nothing: nobody knows whose other tiles to believe
"""

from __future__ import annotations

from dataclasses import dataclass

from coordinator.journal.file import JournalFile
from coordinator.stores import Sink


@dataclass(frozen=True, slots=True)
class Output:
    """A sink and, unless it dies with this process anyway, the journal of what is in it.

    Parameters
    ----------
    sink : Sink
    journal : JournalFile, optional
    kept : frozenset of int
        Tiles that an earlier run finished.
    again : str
        The command that goes on with this run.
    """

    sink: Sink
    journal: JournalFile | None = None
    kept: frozenset[int] = frozenset()
    again: str = ""

    def commit(self) -> None:
        """Make the output whole and visible.

        Raises
        ------
        StoreError
            If it can't be.
        """
        self.sink.commit()
        if self.journal is not None:
            self.journal.remove()

    def abandon(self, *, trusted: bool = True) -> int:
        """Leave what a later run may go on with; return how many tiles that is.

        Parameters
        ----------
        trusted : bool
            Whether the tiles that are finished can be believed.
        """
        if self.journal is None or not self.journal.finished or not trusted:
            self.sink.discard()
        elif self.sink.suspend():
            self.journal.close()
            return self.journal.finished
        if self.journal is not None:
            self.journal.remove()
        return 0
