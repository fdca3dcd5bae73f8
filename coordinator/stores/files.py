"""Files of arrays, of any format of the table: opened for reading, and laid out for writing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from coordinator.errors import InputError, StoreError
from coordinator.stores import FileSource, Source
from coordinator.stores.flat_sink import Encode, FlatSink
from coordinator.stores.foreign import foreign
from coordinator.stores.format import Format
from coordinator.stores.formats import check_writable, format_of_file
from coordinator.stores.layout import Content, Layout
from coordinator.stores.memory import ArraySource
from coordinator.stores.names import similar
from coordinator.stores.outline import Outline
from coordinator.stores.place import Place
from tiling.dtypes import Dtype


def open_place(place: Place | Path, most_bytes: int | None = None) -> FileSource:
    """Open an array for reading, of any format of the table.

    Parameters
    ----------
    place : Place or Path
        A path is read as a user wrote it; see `Place.parse`.
    most_bytes : int, optional
        Of memory, that this process may have.

    Raises
    ------
    InputError
        If it is missing, cut short, or no array that can be filtered.
    StoreError
        If the system does not let it be read.
    """
    where = Place.parse(place)
    with _readable(where):
        return format_of_file(where).open_source(where, most_bytes)


def open_direct(place: Place | Path) -> Source:
    """Open an array for reading, such that any box costs about what is in it.

    What is in chunks is decoded once, as a whole.

    Raises
    ------
    InputError, StoreError
        As `open_place` does.
    """
    source = open_place(place)
    return ArraySource(source.array, source.name) if source.chunks else source


def find_layout(place: Place | Path) -> tuple[Format, Layout]:
    """Find out what is known of an array before any sample is read.

    Raises
    ------
    InputError, StoreError
        As `open_place` does.
    """
    where = Place.parse(place)
    with _readable(where):
        row = format_of_file(where)
        return row, row.layout(where)


def find_contents(place: Place) -> tuple[Format, list[Content]]:
    """Find out which arrays a file holds, as far as its format has several.

    Raises
    ------
    InputError, StoreError
        As `open_place` does.
    """
    with _readable(place):
        row = format_of_file(place)
        return row, row.contents(place)


@contextmanager
def _readable(where: Place) -> Iterator[None]:
    """Translate what the system says of a file that can't be read."""
    try:
        yield
    except FileNotFoundError:
        raise InputError(f"{where.path}: no such file{similar(where.path)}") from None
    except IsADirectoryError:
        what = foreign(where.path) or "a folder, not a file of an array"
        raise InputError(f"{where.path}: {what}") from None
    except OSError as error:
        raise StoreError(f"{where}: can't be read: {error.strerror}") from error


def row_for(place: Place, dtype: Dtype) -> Format:
    """Return the format of an output that is to hold a dtype."""
    row, name = check_writable(place), dtype.newbyteorder("=").name
    if row.dtypes and name not in row.dtypes:
        raise InputError(
            f"{place}: {row.name} files can't hold {name}; choose another format, or by "
            f"--dtype one of {', '.join(row.dtypes)}"
        )
    return row


@dataclass(frozen=True, slots=True)
class Target:
    """An output in a file that is not there yet, and is known to hold the array that it is for.

    Parameters
    ----------
    path : Path
        Of the file.
    outline : Outline
    encode : callable, optional
        Of a format that is encoded as a whole.
    """

    path: Path
    outline: Outline
    encode: Encode | None = None

    @property
    def grain(self) -> tuple[int, ...]:
        """(): any box may be written at once."""
        return ()

    @property
    def stored(self) -> str:
        """Nothing: of a file there is one way to be stored."""
        return ""

    @classmethod
    def of(
        cls, place: Place, shape: tuple[int, ...], dtype: Dtype, like: FileSource | None = None
    ) -> Target:
        """Lay out an output.

        Parameters
        ----------
        place : Place
        shape : tuple of int
        dtype : numpy.dtype
        like : FileSource, optional
            The input: what it says besides samples is said by the output too, as far as it is true.

        Raises
        ------
        InputError
            If the format can't hold such an array, or is not written.
        """
        row = row_for(place, dtype)
        module, about = row.load(place), None if like is None else like.about
        outline = module.outline(shape, row.stored(dtype), place, about)
        encode = module.encoder(place, about) if row.kind == "whole" else None
        return cls(place.path, outline, encode)

    def create(self, *, keep: bool = False, overwrite: bool = True, sync: bool = True) -> FlatSink:
        """Take the room for it beside its final path; see `FlatSink.create`."""
        return FlatSink.create(
            self.path,
            self.outline,
            keep=keep,
            overwrite=overwrite,
            sync=sync,
            encode=self.encode,
        )
