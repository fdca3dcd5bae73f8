"""OME images in zarr: which array is the level of full size, and what is still true of it alone.

https://ngff.openmicroscopy.org, versions 0.4 (zarr 2) and 0.5 (zarr 3).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeGuard

from coordinator.errors import InputError

SHRINKS = 1.4
"""Times that a sample is larger, along an axis that a level shrinks."""

LONG = 256
"""Samples along an axis of space that a pyramid halves."""

HOW = {
    "method": "coord --pyramid",
    "description": "each level is the plain mean of 2 samples along each axis that it halves",
}
"""Of a pyramid, in its image's metadata."""

AXES = ("t", "c", "z", "y", "x")
"""Of an image that does not say; the last ones."""

IN_SPACE = 3
"""Axes at most, the last ones of an image that does not say."""

LARGE = 1e300
"""A size that makes no sense."""

TYPES = {"t": "time", "c": "channel"}


@dataclass(frozen=True, slots=True)
class Level:
    """A level of an OME image.

    Parameters
    ----------
    attributes : mapping
        Of its group.
    path : str
        Of its array, below the group.
    consolidated : bool
        Whether its group repeats the metadata of all that is in it.
    """

    attributes: Mapping[str, Any]
    path: str
    consolidated: bool = False

    @property
    def count(self) -> int:
        """How many levels the image has."""
        return len(_datasets(_find(self.attributes, self.path)[0]))

    def halvings(self, shape: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
        """Return the factors, 1 or 2 per axis, of each further level of a pyramid on this one.

        There are as many levels as the image has after this one, which halve the axes that those
        shrink. Where it has none, each halves the axes of space that have more than `LONG` samples.
        """
        found, dataset = _find(self.attributes, self.path)
        datasets = _datasets(found)
        scales = [_scale_of(each, len(shape)) for each in datasets[datasets.index(dataset) :]]
        if len(scales) > 1:
            return tuple(_shrunk(scales, shape))
        return tuple(_by_length(_spatial(found, len(shape)), shape))

    def image(self, halvings: Sequence[tuple[int, ...]] = ()) -> dict[str, Any]:
        """Return the attributes of a group that has nothing but this level and a pyramid on it.

        The first multiscales that has the level is kept, and of it this dataset.

        Parameters
        ----------
        halvings : sequence of tuple of int
            Factors of the further levels.
        """
        found, dataset = _find(self.attributes, self.path)
        datasets = [{**dataset, "path": level_path(0)}]
        for number, factors in enumerate(halvings, 1):
            datasets.append({**_halved(datasets[-1], factors), "path": level_path(number)})
        reduced = [{**found, "datasets": datasets}]
        for key in ("type", "metadata"):  # how other levels were made
            reduced[0].pop(key, None)
        if halvings:
            reduced[0] |= {"type": "mean", "metadata": HOW}
        inside = self.attributes.get("ome")
        if isinstance(inside, dict):
            return {**self.attributes, "ome": {**inside, "multiscales": reduced}}
        return {**self.attributes, "multiscales": reduced}


def first_level(attributes: Mapping[str, Any]) -> str | None:
    """Return the path of the first level of an image; None if a group is none."""
    for each in _multiscales(attributes):
        for dataset in _datasets(each):
            return str(dataset["path"])
    return None


def has_level(attributes: Mapping[str, Any], path: str) -> bool:
    """Tell whether an array of a group is a level of its image."""
    return path in level_paths(attributes)


def level_paths(attributes: Mapping[str, Any]) -> list[str]:
    """Return the paths of all levels of an image; none if a group is none."""
    return [dataset["path"] for each in _multiscales(attributes) for dataset in _datasets(each)]


def new_image(ndim: int, version: int, what: str) -> Level:
    """Return the only level of an image that says nothing of itself.

    Raises
    ------
    InputError
        If an image has other axes.
    """
    if not 2 <= ndim <= len(AXES):
        raise InputError(f"{what}: an OME image has 2 to 5 axes, not {ndim}; name it .zarr")
    axes = [{"name": name, "type": TYPES.get(name, "space")} for name in AXES[-ndim:]]
    scale = [{"type": "scale", "scale": [1.0] * ndim}]
    image = {
        "axes": axes,
        "datasets": [{"path": level_path(0), "coordinateTransformations": scale}],
    }
    if version == 3:
        return Level({"ome": {"version": "0.5", "multiscales": [image]}}, level_path(0))
    return Level({"multiscales": [{"version": "0.4", **image}]}, level_path(0))


def _multiscales(attributes: Mapping[str, Any]) -> list[dict[str, Any]]:
    inside = attributes.get("ome")
    holder = inside if isinstance(inside, dict) else attributes
    found = holder.get("multiscales")
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _datasets(multiscales: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = multiscales.get("datasets")
    datasets = found if isinstance(found, list) else []
    return [
        each for each in datasets if isinstance(each, dict) and isinstance(each.get("path"), str)
    ]


def _find(attributes: Mapping[str, Any], path: str) -> tuple[dict[str, Any], dict[str, Any]]:
    return next(
        (each, dataset)
        for each in _multiscales(attributes)
        for dataset in _datasets(each)
        if dataset["path"] == path
    )


def level_path(number: int) -> str:
    """Return the path of a level of an output."""
    return str(number)


def _scale_of(dataset: Mapping[str, Any], ndim: int) -> list[float]:
    """Return the size of a sample of a level; ones if it does not say."""
    for each in _transformations(dataset):
        if _are_numbers(scale := each.get("scale"), ndim):
            return [float(n) for n in scale]
    return [1.0] * ndim


def _are_numbers(said: Any, ndim: int) -> TypeGuard[list[float]]:
    """Tell whether it is numbers, one per axis, whose doubles are numbers too."""
    return (
        isinstance(said, list)
        and len(said) == ndim
        and all(isinstance(n, int | float) and abs(n) < LARGE for n in said)
    )


def _transformations(dataset: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = dataset.get("coordinateTransformations")
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _shrunk(scales: Sequence[list[float]], shape: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Yield the factors of levels that shrink an image where others did."""
    for fine, coarse in pairwise(scales):
        steps = zip(fine, coarse, shape, strict=True)
        factors = tuple(2 if b > SHRINKS * a and n > 1 else 1 for a, b, n in steps)
        if max(factors) > 1:
            yield factors
            shape = tuple(-(-n // factor) for n, factor in zip(shape, factors, strict=True))


def _by_length(spatial: Sequence[bool], shape: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Yield the factors of levels until each axis of space is short."""
    while True:
        each = zip(spatial, shape, strict=True)
        factors = tuple(2 if in_space and n > LONG else 1 for in_space, n in each)
        if max(factors) == 1:
            return
        yield factors
        shape = tuple(-(-n // factor) for n, factor in zip(shape, factors, strict=True))


def _spatial(multiscales: Mapping[str, Any], ndim: int) -> list[bool]:
    """Tell which axes are of space."""
    found = multiscales.get("axes")
    listed = found if isinstance(found, list) else []
    axes = [{"name": each} if isinstance(each, str) else each for each in listed]
    named = (isinstance(each, dict) and isinstance(each.get("name"), str) for each in axes)
    if len(axes) != ndim or not all(named):
        return [axis >= ndim - IN_SPACE for axis in range(ndim)]
    return [
        kind == "space" if (kind := each.get("type")) else each["name"] not in TYPES
        for each in axes
    ]


def _halved(dataset: Mapping[str, Any], factors: tuple[int, ...]) -> dict[str, Any]:
    """Return a dataset of larger samples, in the middle of those that they are made of."""
    if not _transformations(dataset):  # of a version that has none
        return {**dataset}
    scale = _scale_of(dataset, len(factors))
    shift = [0.0] * len(factors)
    for each in _transformations(dataset):
        if _are_numbers(moved := each.get("translation"), len(factors)):
            shift = [float(n) for n in moved]
    larger = [size * factor for size, factor in zip(scale, factors, strict=True)]
    moved = [at + (new - old) / 2 for at, new, old in zip(shift, larger, scale, strict=True)]
    return {
        **dataset,
        "coordinateTransformations": [
            {"type": "scale", "scale": larger},
            {"type": "translation", "translation": moved},
        ],
    }
