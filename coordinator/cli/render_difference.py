"""A difference of two arrays in words, and in JSON's types."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from coordinator.text import count, extent

if TYPE_CHECKING:
    from collections import Counter

    from coordinator.checks.difference import Cut, Difference, Places

NAMED: Final = 8  # tiles or seams: more in a list nobody reads


def lines(names: tuple[str, str], found: Difference, cut: Cut | None = None) -> Iterator[str]:
    """Tell what differs, most important first."""
    left, right = names
    if found.equal:
        yield f"{left} and {right} are equal: {_what(found)}"
        return
    if found.shapes[0] != found.shapes[1]:
        yield f"the shapes differ: {extent(found.shapes[0])}, and {extent(found.shapes[1])}"
    if found.dtypes[0] != found.dtypes[1]:
        yield f"the dtypes differ: {found.dtypes[0]}, and {found.dtypes[1]}"
    if not found.comparable:
        return
    share = f"{found.differing / max(1, found.samples):.2g}"
    yield f"{found.differing:,} of {count(found.samples, 'sample')} differ ({share} of them)"
    if found.first is not None:
        yield f"first at {found.first}: {found.values[0]}, and {found.values[1]}"
    if found.largest_ulp is not None:
        unit = "ulp" if found.dtypes[0][1] in "fc" else "in value"
        yield f"largest difference: {found.largest_ulp:,} {unit}, at {found.largest_at}"
    if found.not_numbers:
        yield f"{count(found.not_numbers, 'pair')} with NaN, which no distance counts"
    if found.places is not None and cut is not None:
        yield from _places(found.places, cut)


def to_json(names: tuple[str, str], found: Difference) -> dict[str, Any]:
    """Return all of it in JSON's types."""
    said = {key: value for key, value in asdict(found).items() if key != "places"}
    if (places := found.places) is not None:
        said["tiles"] = {str(tile): number for tile, number in sorted(places.tiles.items())}
        said["seams"] = [
            {"axis": axis, "at": at, "samples": number}
            for (axis, at), number in sorted(places.seams.items())
        ]
        said["by_no_seam"] = places.inside
    return {"version": 1, "files": list(names), "equal": found.equal, **said}


def _what(found: Difference) -> str:
    return f"{extent(found.shapes[0])} {found.dtypes[0]}, {count(found.samples, 'sample')}"


def _places(places: Places, cut: Cut) -> Iterator[str]:
    tiles = _most(places.tiles, lambda tile: f"tile {tile} at {cut.grid.box(tile).start}")
    yield f"in {len(places.tiles):,} of {count(len(cut.grid), 'tile')}: {tiles}"
    if places.seams:
        depths = zip(cut.halo.before, cut.halo.after, strict=True)
        depth = max((max(pair) for pair in depths), default=0)
        seams = _most(places.seams, lambda seam: f"axis {seam[0]} at {seam[1]}")
        yield f"within {count(max(1, depth), 'sample')} of seams: {seams}"
    if places.inside:
        yield f"by no seam: {count(places.inside, 'sample')}"


def _most(counts: Counter[Any], name: Any) -> str:
    named = [f"{name(key)} ({number:,})" for key, number in counts.most_common(NAMED)]
    rest = [f"and {len(counts) - NAMED:,} more"] if len(counts) > NAMED else []
    return ", ".join(named + rest)
