"""`.npy` files: `numpy.save` would write the same."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from coordinator.errors import InputError
from coordinator.stores.layout import Layout
from coordinator.stores.names import content
from coordinator.stores.outline import Order, Outline
from coordinator.stores.place import Place
from tiling.dtypes import Dtype
from tiling.protocol.npy import MAGIC, MAX_HEADER, NpyError, parse_header

FOREIGN = ()


def layout(place: Place) -> Layout:
    """Read the header of a `.npy` file of plain numbers.

    Raises
    ------
    InputError
        If it is empty, or no `.npy` file of plain numbers.
    OSError
        If the system does not let it be read.
    """
    if place.inside:
        raise InputError(f"{place}: a .npy file holds one array; leave out ::{place.inside}")
    with place.path.open("rb") as file:
        start = file.read(MAX_HEADER)
    try:
        header = parse_header(start)
    except NpyError as error:
        other = None if start.startswith(MAGIC) else content(place.path, start)
        raise InputError(f"{place}: {other or error}") from None
    order: Order = "F" if header.fortran_order else "C"
    return Layout(header.shape, header.dtype, header.offset, order)


def outline(shape: tuple[int, ...], dtype: Dtype, place: Place, about: Any) -> Outline:  # noqa: ARG001 -- as every format's
    """Return the outline of a `.npy` file."""
    file = io.BytesIO()
    descr = np.lib.format.dtype_to_descr(dtype)
    fields = {"descr": descr, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, fields)
    return Outline.of_header(file.getvalue(), shape, dtype)
