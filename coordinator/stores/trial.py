"""An output that grows for a moment only: so workers can be asked whether they would write it."""

from __future__ import annotations

import secrets
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from coordinator.errors import TilefanError
from coordinator.stores import FileSource, Sink
from coordinator.stores.files import Target
from coordinator.stores.flat_sink import FlatSink
from coordinator.stores.output_target import lay_out
from coordinator.stores.place import Place
from coordinator.stores.storing import Storing
from tiling.dtypes import Dtype


@contextmanager
def trial(place: Place, dtype: Dtype, like: FileSource, storing: Storing) -> Iterator[Sink | None]:
    """Yield an output beside another one, that is stored as that would be; gone afterwards.

    None where others can't open it as it grows, or the system forbids it. A file has no room on
    the disk but for what is written into it.

    Parameters
    ----------
    place : Place
        Of the other one.
    dtype : numpy.dtype
    like : FileSource
        The input.
    storing : Storing
    """
    sink = None if place.remote else _begun(place, dtype, like, storing)
    try:
        yield sink
    finally:
        if sink is not None:
            sink.discard()


def _begun(place: Place, dtype: Dtype, like: FileSource, storing: Storing) -> Sink | None:
    name = f"tilefan-{secrets.token_hex(8)}-{place.path.name}"
    beside = replace(place, path=place.path.with_name(name))
    try:
        with warnings.catch_warnings(action="ignore"):  # they were given of the other one
            laid = lay_out(beside, like.shape, dtype, like, storing)
        if not isinstance(laid, Target):
            return laid.create(sync=False)
        return None if laid.encode else FlatSink.create(laid.path, laid.outline, has_room=False)
    except (OSError, TilefanError):  # a run would be refused too, or goes on without
        return None
