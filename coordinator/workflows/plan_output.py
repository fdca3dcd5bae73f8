"""The output that a run would have, of which a forecast wants to know how it is written."""

from __future__ import annotations

import math
import shutil
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from coordinator.interruption import put_off
from coordinator.stores import FileSource, Sink, Source
from coordinator.stores.formats import default_output
from coordinator.stores.names import check_output_name
from coordinator.stores.output_target import lay_out
from coordinator.stores.place import Place
from coordinator.stores.stored import where
from coordinator.stores.storing import Storing
from tiling.dtypes import Dtype


@dataclass(frozen=True, slots=True)
class PlannedOutput:
    """Where an output would be, and how it would be stored; make one with `of`.

    Parameters
    ----------
    place : Place
    dtype : numpy.dtype
    like : FileSource
        The input.
    storing : Storing
    grain : tuple of int
        See `coordinator.stores.output_target.OutputTarget`.
    """

    place: Place
    dtype: Dtype
    like: FileSource
    storing: Storing
    grain: tuple[int, ...]

    @classmethod
    def of(
        cls, source: Place, target: Path | None, array: FileSource, dtype: Dtype, storing: Storing
    ) -> PlannedOutput:
        """Lay out the output that is named, or the one beside the input.

        Raises
        ------
        InputError
            If the format can't hold such an array, or is not written.
        """
        place = default_output(source, "plan") if target is None else Place.parse(target)
        check_output_name(place.path)
        with put_off():  # a library's code calls back, and would tell of another error
            laid = lay_out(place, array.shape, dtype, array, storing)
        return cls(place, dtype, array, storing, laid.grain)

    @property
    def folder(self) -> Path:
        """Where its file would be."""
        return self.place.path.parent

    @property
    def fillable(self) -> Path | None:
        """The folder, if a file there can be mapped and filled; None of an output in chunks.

        Nor on a disk that has no room for it: there a write to the map is a signal that kills.
        """
        size = math.prod(self.like.shape) * self.dtype.itemsize
        try:
            has_room = shutil.disk_usage(self.folder).free > size
        except OSError:  # a run would be refused
            has_room = False
        return self.folder if has_room and not self.grain else None

    def begun(self, source: Source) -> AbstractContextManager[Sink | None]:
        """Return one that workers can be asked to write; None where they would read no source."""
        if where(source) is None:
            return nullcontext()
        from coordinator.stores.trial import trial

        return trial(self.place, self.dtype, self.like, self.storing)
