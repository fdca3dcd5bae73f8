"""OME images in zarr: which array is the level of full size, and what is still true of it alone.

https://ngff.openmicroscopy.org, versions 0.4 (zarr 2) and 0.5 (zarr 3).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from coordinator.errors import InputError

PATH = "0"
"""Of the only level of an output."""

AXES = ("t", "c", "z", "y", "x")
"""Of an image that does not say; the last ones."""

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
    """

    attributes: Mapping[str, Any]
    path: str

    @property
    def count(self) -> int:
        """How many levels the image has."""
        return len(_datasets(_find(self.attributes, self.path)[0]))

    def alone(self) -> dict[str, Any]:
        """Return the attributes of a group that has nothing but this level, at `PATH`.

        The first multiscales that has the level is kept, and of it this dataset.
        """
        found, dataset = _find(self.attributes, self.path)
        reduced = [{**found, "datasets": [{**dataset, "path": PATH}]}]
        for key in ("type", "metadata"):  # how other levels were made
            reduced[0].pop(key, None)
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
    return any(
        dataset["path"] == path for each in _multiscales(attributes) for dataset in _datasets(each)
    )


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
    image = {"axes": axes, "datasets": [{"path": PATH, "coordinateTransformations": scale}]}
    if version == 3:
        return Level({"ome": {"version": "0.5", "multiscales": [image]}}, PATH)
    return Level({"multiscales": [{"version": "0.4", **image}]}, PATH)


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
