"""A row of the table of formats: how its module is found, and what that must have.

A format's module has `layout(place)`: what a file says before any sample is read; `decode(place,
into)` where samples may be compressed; and `FOREIGN`: what its library raises of files that make
no sense. One whose files may hold several arrays has `contents(place)`, which yields them all. One
that can be written has `outline(shape, dtype, place, about)`: where the samples lie in a file, and
what is around them. And one of kind "whole", whose samples do not lie in its file, has
`encoder(place, about)`, which gives what writes it at the end. One of kind "keyed" has
`open_source(place)` and `target(place, shape, dtype, about, storing)` instead. A library that not
everybody has is imported by the modules of its format, and by nothing else.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Literal, TypeAlias

from coordinator.errors import InputError
from coordinator.machine import resident_bytes
from coordinator.stores import FileSource
from coordinator.stores.decoding import check_memory
from coordinator.stores.flat_source import open_flat
from coordinator.stores.layout import Content, Layout
from coordinator.stores.memory import ArraySource
from coordinator.stores.place import Place
from coordinator.stores.scratch import MEMORY_BYTES, scratch
from coordinator.text import inert
from tiling.dtypes import Array, Dtype

Kind: TypeAlias = Literal["flat", "whole", "keyed"]
"""flat: an output's samples lie in the file one after another; each tile is written in its place.
whole: an output is encoded after the last tile.
keyed: an output is a folder of chunks; each is written with the tile that it is in."""


SHARE = 4
"""Of memory that is left, decoded samples may take one part in so many; more are in a file."""


@dataclass(frozen=True, slots=True)
class Format:
    """A row of the table.

    Parameters
    ----------
    name : str
        What people call it.
    suffixes : tuple of str
        In lower case; the first is that of new files.
    module : str
        Of `coordinator.stores`.
    kind : str
        See `Kind`.
    starts : tuple of bytes
        How such files begin.
    library : str
        What `module` imports that not everybody has.
    extra : str
        Of `tilefan`, that installs it.
    writes : bool
        Whether outputs may have this format.
    byte_order : str
        ">" if samples are stored so, whatever is asked for.
    dtypes : tuple of str
        What an output may hold; all numbers if there is none.
    several : bool
        Whether a file may hold several arrays.
    named : bool
        Whether the array in an output may be named, by what is inside its place.
    note : str
    """

    name: str
    suffixes: tuple[str, ...]
    module: str
    kind: Kind
    starts: tuple[bytes, ...]
    library: str = ""
    extra: str = ""
    writes: bool = True
    byte_order: Literal["", ">"] = ""
    dtypes: tuple[str, ...] = ()
    several: bool = False
    named: bool = False
    note: str = ""

    def load(self, place: Place) -> ModuleType:
        """Return the module; `place` is what it is wanted for.

        Raises
        ------
        InputError
            If its library is not installed; it says how to get it.
        """
        try:
            return importlib.import_module(f"coordinator.stores.{self.module}")
        except ModuleNotFoundError as error:
            if not self.library or error.name is None or error.name.startswith("coordinator"):
                raise
            raise InputError(f"{place} needs: pip install 'tilefan[{self.extra}]'") from None

    def open_source(self, place: Place, most_bytes: int | None = None) -> FileSource:
        """Open an array for reading.

        Parameters
        ----------
        place : Place
        most_bytes : int, optional
            Of memory, that this process may have.

        Raises
        ------
        InputError
            If it is no array that can be filtered; in the library's words, if those are all.
        OSError
            If the system does not let it be read.
        """
        if self.kind == "keyed":
            with self._translated(place) as module:
                source: FileSource = module.open_source(place)
            return source
        layout = self.layout(place)
        if layout.offset is not None:
            return open_flat(place, layout)
        check_memory(place, layout.decode_bytes, most_bytes, layout.unit)
        array = _room(place, layout, most_bytes)
        with self._translated(place) as module:
            module.decode(place, array)
        return ArraySource(array, str(place), layout.about, layout.reads, layout.notes)

    def layout(self, place: Place) -> Layout:
        """Find out what is known of an array before any sample is read.

        Raises
        ------
        InputError, OSError
            As `open_source` does.
        """
        with self._translated(place) as module:
            layout: Layout = module.layout(place)
        layout.check(place)
        return layout

    def contents(self, place: Place) -> list[Content]:
        """Return all arrays in a file, without reading a sample; none where there is only one.

        Raises
        ------
        InputError, OSError
            As `open_source` does.
        """
        if not self.several:
            return []
        with self._translated(place) as module:
            return list(module.contents(place))

    @contextmanager
    def _translated(self, place: Place) -> Iterator[ModuleType]:
        """Yield the module; what its library raises becomes a sentence."""
        module = self.load(place)
        try:
            yield module
        except (OSError, *module.FOREIGN) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            words = inert(str(error)) or type(error).__name__
            raise InputError(f"{place}: can't be read as {self.name}: {words}") from None

    def stored(self, dtype: Dtype) -> Dtype:
        """Return a dtype as files of this format have it."""
        return dtype.newbyteorder(self.byte_order) if self.byte_order else dtype


def _room(place: Place, layout: Layout, most_bytes: int | None) -> Array:
    """Return where the samples of an array are decoded to."""
    memory = MEMORY_BYTES
    if most_bytes is not None:
        left = most_bytes - resident_bytes() - layout.decode_bytes
        memory = max(0, min(memory, left // SHARE))
    what = f"for the samples of {place}, which are compressed or scattered"
    if layout.order == "C":
        return scratch(layout.shape, layout.dtype, memory, what)
    return scratch(layout.shape[::-1], layout.dtype, memory, what).T
