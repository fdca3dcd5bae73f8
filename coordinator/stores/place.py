"""The place of an array: a file, a folder or an object store, and what is meant inside it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

MARK = "::"
"""Between a file and what is meant inside it; a file whose own name has it is meant itself."""


SCHEME = re.compile(r"(s3|gs|https?):/+(?=.)")
"""Of a place that is not on this machine, as a path spells it: without the second slash."""


OTHER_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:(/.*)?")
"""A URL of another scheme, or of none of its places, as a path spells it."""

SCHEMES = "URLs are s3:// and gs://, and for reading http:// and https://"


@dataclass(frozen=True, slots=True)
class Place:
    """A file, and which of its arrays is meant.

    Parameters
    ----------
    path : Path
        Also of a place that is not on this machine: ``s3:/bucket/name`` for that URL.
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
        file = self.url if self.remote else str(self.path)
        return f"{file}{MARK}{self.inside}" if self.inside else file

    @property
    def remote(self) -> bool:
        """Whether it is not on this machine.

        Examples
        --------
        >>> Place.parse("s3://bucket/in.zarr").remote, Place.parse("s3/in.zarr").remote
        (True, False)
        """
        return SCHEME.match(str(self.path)) is not None

    @property
    def url(self) -> str:
        """The URL of a place that is not on this machine; of another one, its path."""
        return SCHEME.sub(r"\1://", str(self.path))


def stand_in(place: Place) -> Path:
    """Return what stands on this machine for a place that is not on it; its folder is there.

    Beside it lie the journal of an output, and its provenance.
    """
    import hashlib

    from platformdirs import user_state_path

    folder = user_state_path("tilefan") / "outputs"
    folder.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256(place.url.rstrip("/").encode()).hexdigest()[:16]
    return folder / f"{digest}-{place.path.name[:100]}"


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False


def is_other_url(path: Path) -> bool:
    """Tell whether a path is a URL that is none of a place.

    Examples
    --------
    >>> is_other_url(Path("ftp://host/in.zarr")), is_other_url(Path("s3://bucket/in.zarr"))
    (True, False)
    """
    named = OTHER_URL.fullmatch(str(path)) and not SCHEME.match(str(path))
    return bool(named) and not _exists(Path(path.parts[0]))
