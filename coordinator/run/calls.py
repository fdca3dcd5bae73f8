"""Filters one after another, from SciPy's parameters to a request and its result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from inspect import Signature
from typing import Any, TypeAlias

import numpy as np

from coordinator.errors import InputError
from coordinator.stores import FileSource, Source
from coordinator.stores.memory import ArraySource, MaskedSource
from coordinator.text import extent
from tiling.dtypes import Dtype, output_dtype
from tiling.errors import BadTypeError, BadValueError, TilingError, UnsupportedError
from tiling.filters import FILTERS
from tiling.jobs.job import Call, Job

Link: TypeAlias = tuple[str, Mapping[str, Any]]
"""A filter's name, and SciPy's parameters for it."""


@dataclass(frozen=True, slots=True)
class Chain:
    """What is computed from an array of `ndim` axes and a dtype, and the dtype that it gives."""

    job: Job
    dtype: Dtype

    @classmethod
    def of(cls, links: Sequence[Link], ndim: int, dtype: Dtype) -> Chain:
        """Normalise the parameters of every filter.

        Raises
        ------
        TilingError
            What SciPy refuses, as the same builtin kind of error.
        """
        if not links:
            raise BadValueError("a chain needs at least one filter")
        calls: list[Call] = []
        for number, (name, parameters) in enumerate(links, 1):
            if calls and parameters.get("mask") is not None:
                raise UnsupportedError(f"{name}: only the first filter of a chain takes a mask")
            try:
                call = call_of(name, ndim, dtype, parameters)
            except TilingError as error:
                if len(links) == 1:
                    raise
                raise type(error)(f"filter {number}, {name}: {error}") from error
            dtype = _result(heeded(name, parameters).get("output"), dtype, call.target)
            calls.append(call)
        return cls(Job(ndim, tuple(calls)), dtype)


def chain_of(links: Sequence[Link], array: FileSource) -> Chain:
    """Normalise the parameters of every filter for the array of a file, which a refusal tells.

    Raises
    ------
    InputError
        What SciPy refuses.
    """
    try:
        return Chain.of(links, len(array.shape), array.dtype)
    except TilingError as error:
        what = f"{extent(array.shape)} {array.dtype.name}"
        raise InputError(f"{array.name}, {what}: {error}") from error


def masked(links: Sequence[Link], source: Source) -> Source:
    """Return what the filters read: the source, and the mask of the first one with it.

    Parameters
    ----------
    links : sequence of (str, mapping)
    source : Source

    Raises
    ------
    UnsupportedError
        If the mask has another shape.
    """
    mask = mask_of(links)
    return source if mask is None else with_mask(source, mask)


def mask_of(links: Sequence[Link]) -> ArraySource | None:
    """Return the mask of the first filter; it has a name if it is from a file."""
    mask = links[0][1].get("mask")
    if mask is None or isinstance(mask, ArraySource):
        return mask
    return ArraySource(np.asarray(mask), "")


def with_mask(source: Source, mask: ArraySource) -> Source:
    """Return what a filter reads that has a mask.

    Raises
    ------
    UnsupportedError
        If the mask has another shape.
    """
    if mask.shape != source.shape:
        raise UnsupportedError(
            f"mask and input must have equal sizes, not {mask.shape} and {source.shape}"
        )
    return MaskedSource(source, mask)


def call_of(name: str, ndim: int, dtype: Dtype, parameters: Mapping[str, Any]) -> Call:
    """Normalise the parameters of one filter; a name or parameter that it has not is refused.

    Raises
    ------
    BadValueError, BadTypeError, UnsupportedError
        What SciPy refuses, or an unknown name.
    """
    if name not in FILTERS:
        raise BadValueError(f"{name!r} is no filter of the table; see coord filters")
    row = FILTERS[name]
    bound(name, row.signature, (), parameters)
    return row.call(ndim, dtype, **parameters)


def bound(
    name: str, signature: Signature, args: Sequence[Any], named: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the parameters of a call by name; one that there is not comes before a missing one.

    Raises
    ------
    BadTypeError
        If they do not fit the signature.
    """
    try:
        signature.bind_partial(*args, **named)
        return dict(signature.bind(*args, **named).arguments)
    except TypeError as error:
        raise BadTypeError(f"{name}: {error}") from None


def heeded(name: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the parameters without an `output` that SciPy ignores: any but an array, for some."""
    output = parameters.get("output")
    if name in FILTERS and FILTERS[name].own_dtype and not isinstance(output, np.ndarray):
        return {key: value for key, value in parameters.items() if key != "output"}
    return parameters


def _result(output: Any, dtype: Dtype, target: Dtype) -> Dtype:
    """Return the dtype of SciPy's result: the one asked for, with its byte order, or `target`."""
    asked = output_dtype(output, dtype)
    return asked if asked.newbyteorder("=") == target else target
