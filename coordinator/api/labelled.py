"""xarray's arrays: SciPy's filters as methods of `DataArray.tilefan`, with dimensions by name.

A parameter that SciPy takes for each axis may be a mapping from names of dimensions; then these are
the axes that are filtered. So are those of a window that is a `DataArray`. SciPy is told such axes
in the array's order, because it takes windows so, in whatever order `axes` has them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any

import xarray

from coordinator.api.arrays import as_chain, filter_array, silent
from coordinator.api.documentation import summary
from coordinator.api.functions import arguments, named, signature_of
from coordinator.api.tracebacks import brief
from coordinator.engines.local import LocalEngine
from coordinator.run.calls import Link
from tiling.errors import BadTypeError, BadValueError
from tiling.filters import FILTERS, Filter, supported
from tiling.filters.meanings import one_per_axis

Dims = tuple[Hashable, ...]

NOT_FILTERED: Mapping[tuple[str, str], float] = {("gaussian_gradient_magnitude", "sigma"): 0.0}
"""What SciPy takes for every axis of the array although `axes` names some, and what leaves one."""


WINDOWS = ("weights", "footprint", "structure")
"""What has an axis for each axis that is filtered."""


class Accessor:
    """SciPy's filters of one array; it has a method for each function of `tilefan.ndimage`.

    The result has the dimensions, coordinates, name and attributes of the array. It is lazy if the
    array is.

    Parameters
    ----------
    array : xarray.DataArray
    """

    def __init__(self, array: Any) -> None:
        self._array = array

    @brief
    def run(self, links: Sequence[Link]) -> Any:
        """Filter the array by filters one after another, in one pass.

        Parameters
        ----------
        links : sequence of (str, mapping)
            SciPy's name of each filter, and its parameters, which may name dimensions.

        Returns
        -------
        xarray.DataArray
            What SciPy's functions give one after another, bit for bit.
        """
        array = self._array
        links = as_chain(links)
        for _, given in links:
            _check_coordinates(array, given.get("mask"))
        by_number = [(name, by_axes(name, given, array.dims)) for name, given in links]
        if array.chunks is None:
            result = filter_array(LocalEngine(), silent, by_number, array.values)
        else:
            from coordinator.api.lazy import filter_lazily

            result = filter_lazily(by_number, array.data)
        # How the array was stored, as scaled integers perhaps, is not how the result should be.
        return array.copy(deep=False, data=result).drop_encoding()


def by_axes(name: str, parameters: Mapping[str, Any], dims: Dims) -> dict[str, Any]:
    """Return SciPy's parameters of those that name dimensions.

    Parameters
    ----------
    name : str
        Of the filter.
    parameters : mapping
    dims : tuple of hashable
        Of the array.

    Raises
    ------
    TilingError
        If a name is no dimension, or parameters name different ones.

    Examples
    --------
    >>> by_axes("gaussian_filter", {"sigma": {"x": 2, "y": 1}}, ("t", "y", "x"))
    {'sigma': (1, 2), 'axes': (1, 2)}
    >>> by_axes("sobel", {"axis": "y"}, ("t", "y", "x"))
    {'axis': 1}
    """
    result = dict(parameters)
    if name not in FILTERS:
        return result
    row = FILTERS[name]
    mappings = {key: value for key, value in result.items() if _is_by_name(row, key, value)}
    windows = {
        key: value
        for key, value in result.items()
        if key in WINDOWS and "axes" in row.defaults and isinstance(value, xarray.DataArray)
    }
    named = {**mappings, **{key: dict.fromkeys(window.dims) for key, window in windows.items()}}
    given = _given(result.get("axes"), dims, by_name=bool(named))
    if named:
        mappings |= _by_name(row, result, given)
    chosen = _chosen(row, named | mappings, given, dims)
    for key, value in mappings.items():
        rest = NOT_FILTERED.get((name, key))
        along = dims if rest is not None else chosen
        result[key] = tuple(value.get(dim, rest) for dim in along)
    for key, window in windows.items():
        result[key] = window.transpose(*chosen).data
    if chosen and "axes" in row.defaults:
        result["axes"] = tuple(dims.index(dim) for dim in chosen)
    if isinstance(axis := result.get("axis"), str):
        result["axis"] = _number(axis, dims)
    if isinstance(mask := result.get("mask"), xarray.DataArray):
        result["mask"] = _aligned(mask, dims)
    return result


def _is_by_name(row: Filter, key: str, value: object) -> bool:
    """Tell whether a parameter has a value for each of several names.

    Raises
    ------
    TilingError
        If it takes only one.
    """
    if key not in row.defaults or not isinstance(value, Mapping):
        return False
    if not one_per_axis(row.name, key):
        raise BadTypeError(f"{row.name}: {key} takes one value, not one for each dimension")
    return True


def _given(axes: Any, dims: Dims, *, by_name: bool) -> Dims:
    """Return the dimensions that `axes` names; none if it is as SciPy has it."""
    one = isinstance(axes, str) or not isinstance(axes, Iterable)
    several = (axes,) if one else tuple(axes)
    if axes is None or not (by_name or any(isinstance(axis, str) for axis in several)):
        return ()
    if all(each in range(-len(dims), len(dims)) for each in several):
        return tuple(dims[each] for each in several)
    for dim in several:
        _number(dim, dims)
    return several


def _by_name(row: Filter, parameters: Mapping[str, Any], given: Dims) -> dict[str, Any]:
    """Return values in the order of `axes` as mappings, for they stand beside others that are."""
    return {
        key: dict(zip(given, value, strict=True))
        for key, value in parameters.items()
        if isinstance(value, list | tuple)
        and len(value) == len(given)
        and key in row.defaults.keys() - {"axes", *WINDOWS}
        and one_per_axis(row.name, key)
    }


def _chosen(row: Filter, named: Mapping[str, Mapping[Any, Any]], given: Dims, dims: Dims) -> Dims:
    """Return the dimensions that parameters name; none if none does."""
    for dim in (dim for value in named.values() for dim in value):
        _number(dim, dims)
    if not named:
        return given
    if "axes" not in row.defaults:
        chosen = dims
    else:
        wanted = set(given) or {dim for value in named.values() for dim in value}
        chosen = tuple(dim for dim in dims if dim in wanted)
    for key, value in named.items():
        if set(value) != set(chosen):
            raise BadValueError(
                f"{row.name}: {key} is for {_listed(set(value), dims)}, and must be for "
                f"{_listed(set(chosen), dims)}"
            )
    return chosen


def _number(dim: Hashable, dims: Dims) -> int:
    if dim not in dims:
        raise BadValueError(f"no dimension {dim!r}; there are {_listed(set(dims), dims)}")
    return dims.index(dim)


def _listed(names: set[Hashable], dims: Dims) -> str:
    return ", ".join(str(dim) for dim in dims if dim in names)


def _check_coordinates(array: Any, mask: Any) -> None:
    """Refuse a mask of other places than the array's.

    Raises
    ------
    TilingError
    """
    if isinstance(mask, xarray.DataArray):
        try:
            xarray.align(array, mask, join="exact", copy=False)
        except ValueError:
            raise BadValueError(
                "the mask has other coordinates than the array; xarray.align or mask.reindex_like "
                "makes them equal"
            ) from None


def _aligned(mask: Any, dims: Dims) -> Any:
    """Return a mask with its axes in the array's order."""
    if set(mask.dims) != set(dims):
        raise BadValueError(
            f"the mask has the dimensions {', '.join(map(str, mask.dims))}, and the array "
            f"{_listed(set(dims), dims)}"
        )
    return mask.transpose(*dims).data


def _method(row: Filter) -> Callable[..., Any]:
    signature = signature_of(row)
    kept = [each for name, each in signature.parameters.items() if name != "tile"]
    whole = signature.replace(parameters=kept)

    def call(self: Accessor, *args: Any, **kwargs: Any) -> Any:
        parameters, _, _ = arguments(row, whole, (None, *args), kwargs)
        return self.run([(row.name, parameters)])

    own = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    text = (
        f"{summary(row)}\n\nAs `tilefan.ndimage.{row.name}`; what it takes for each axis may be a "
        "mapping from\nthe names of the dimensions to filter.\n"
    )
    return named(brief(call), row, whole.replace(parameters=[own, *kept[1:]]), text)


for _row in supported():
    setattr(Accessor, _row.name, _method(_row))
