"""Where an array lies: a file, and what is meant inside it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

MARK = "::"
"""Between a file and what is meant inside it; a file whose own name has it is meant itself."""


@dataclass(frozen=True, slots=True)
class Place:
    """A file, and which of its arrays is meant.

    Parameters
    ----------
    path : Path
    inside : str
        As the file's format has it: ``/volume`` of HDF5, ``level=1`` of TIFF; "" means the only
        array, or the first.
    """

    path: Path
    inside: str = ""

    @classmethod
    def parse(cls, text: str | Path | Place) -> Place:
        """Read what a user wrote; a place is itself.

        Examples
        --------
        >>> Place.parse("data.h5::/volume")
        Place(path=PosixPath('data.h5'), inside='/volume')
        >>> str(Place.parse("scan.tif::level=1"))
        'scan.tif::level=1'
        """
        if isinstance(text, Place):
            return text
        file, mark, inside = str(text).partition(MARK)
        if not mark or not file or _exists(Path(text)):
            return cls(Path(text))
        return cls(Path(file), inside)

    def __str__(self) -> str:
        return f"{self.path}{MARK}{self.inside}" if self.inside else str(self.path)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False
