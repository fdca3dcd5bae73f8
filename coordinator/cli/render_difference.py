"""A difference of two arrays in words, and in JSON's types."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from coordinator.text import count, dtype_name, extent, percentage

if TYPE_CHECKING:
    from collections import Counter

    from coordinator.checks.difference import Cut, Difference, Places

NAMED: Final = 8  # tiles or seams: more in a list nobody reads


def lines(names: tuple[str, str], result: Difference, cut: Cut | None = None) -> Iterator[str]:
    """Yield what differs, most important first."""
    left, right = names
    if result.equal:
        yield f"{left} and {right} are equal: {_what(result)}"
        return
    if result.shapes[0] != result.shapes[1]:
        yield f"the shapes differ: {extent(result.shapes[0])}, and {extent(result.shapes[1])}"
    if result.dtypes[0] != result.dtypes[1]:
        yield f"the dtypes differ: {', and '.join(map(dtype_name, result.dtypes))}"
    if not result.comparable:
        yield "so no samples were compared"
        return
    share = percentage(result.differing, result.samples)
    yield f"{share} of samples differ ({result.differing:,} of {result.samples:,})"
    if result.first is not None:
        one, other = result.values
        yield f"first at {result.first}: {one} in {left}, {other} in {right}"
    if result.largest_ulp is not None:
        unit = "ulp (steps of the last bit)" if result.dtypes[0][1] in "fc" else "in value"
        yield f"largest difference: {result.largest_ulp:,} {unit}, at {result.largest_at}"
    if result.not_numbers:
        yield f"{count(result.not_numbers, 'pair')} with NaN, which no distance counts"
    if result.places is not None and cut is not None:
        yield from _places(result.places, cut)


def to_json(names: tuple[str, str], result: Difference) -> dict[str, Any]:
    """Return all of it in JSON's types."""
    document = {key: value for key, value in asdict(result).items() if key != "places"}
    if (places := result.places) is not None:
        document["tiles"] = {str(tile): number for tile, number in sorted(places.tiles.items())}
        document["seams"] = [
            {"axis": axis, "at": at, "samples": number}
            for (axis, at), number in sorted(places.seams.items())
        ]
        document["by_no_seam"] = places.inside
    return {"version": 1, "files": list(names), "equal": result.equal, **document}


def _what(result: Difference) -> str:
    dtype = dtype_name(result.dtypes[0])
    return f"{extent(result.shapes[0])} {dtype}, {count(result.samples, 'sample')}"


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
