"""A forecast in lines of text, and in JSON's types."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from coordinator.text import brief_time, count, dtype_name, extent, inert, megabytes

if TYPE_CHECKING:
    from coordinator.planning.forecast import Forecast, Share, StageForecast


def lines(forecast: Forecast) -> Iterator[str]:
    """Yield what will be done, what it costs, and whether it is worth it."""
    f = forecast
    rows = {
        "input": f"{inert(f.input)}: {extent(f.shape)} {dtype_name(f.dtype)}",
        "filter": inert(f.filter),
        "exact": f.exactness,
        **_cut(f),
        "bytes": _bytes(f),
        "memory": _memory(f),
        "here": f"about {brief_time(f.here_s)}",
    }
    if f.fleet_s is not None:
        rows["fleet"] = f"about {brief_time(f.fleet_s)}"
    if f.by_bytes_s is not None:
        rows["fleet"] += f" by reference, about {brief_time(f.by_bytes_s)} as bytes"
    rows["besides"] = (
        f"{brief_time(f.start_s)} of that are until the first stage, imports included, and "
        f"{brief_time(f.finish_s)} until the output is on the disk, with its digest"
    )
    yield from (f"{name:>7}  {text}" for name, text in rows.items())
    yield from (f"{'worker':>7}  {_share(share)}" for share in f.shares)
    yield from (f"{'note':>7}  {caveat}" for caveat in f.caveats)
    yield f"{'verdict':>7}  {f.verdict}"


def _bytes(f: Forecast) -> str:
    sizes = f"{megabytes(f.bytes_there)} MB there, {megabytes(f.bytes_back)} MB back"
    if f.by_bytes_s is None:
        return sizes
    there, back = megabytes(f.passing_there), megabytes(f.passing_back)
    return f"{there} MB there, {back} MB back by reference; {sizes} as bytes"


def _cut(f: Forecast) -> dict[str, str]:
    """Return how the job is divided: into tiles, or first into stages."""
    if len(f.stages) == 1:
        return {
            "tiles": _tiles(f.stages[0]),
            **({"beat": beat} if (beat := _beaten(f.stages[0])) else {}),
            "halo": f"{f.halo_overhead:.1%} of the samples are read more than once",
        }
    size = megabytes(f.between_bytes)
    rows = {"stages": f"{len(f.stages)}, one after another, with up to {size} MB between them"}
    for number, stage in enumerate(f.stages, 1):
        fleet = "" if stage.fleet_s is None else f", {brief_time(stage.fleet_s)} on the fleet"
        cut = _tiles(stage) if stage.tiles else stage.reason
        cut += f"; {beat}" if (beat := _beaten(stage)) else ""
        rows[str(number)] = f"{cut}; about {brief_time(stage.here_s)} here{fleet}"
    return rows


def _beaten(stage: StageForecast) -> str:
    """Return what the choice of tiles was between, with the makespans by which it was made."""
    if not stage.alternatives:
        return ""
    return f"{', '.join(stage.alternatives)}; against {stage.model_s:.3g} s, before measuring"


def _tiles(stage: StageForecast) -> str:
    grid = f"a grid of {extent(stage.grid)}"
    return f"{stage.tiles:,} of {extent(stage.tile)}, {grid}: {stage.reason}"


def to_json(forecast: Forecast) -> dict[str, Any]:
    """Return all of it in JSON's types."""
    return {"version": 1, **asdict(forecast)}


def _memory(f: Forecast) -> str:
    there = f", {megabytes(f.worker_bytes)} MB at a worker" if f.worker_bytes else ""
    return f"at most {megabytes(f.coordinator_bytes)} MB in this process{there}; maps not counted"


def _share(share: Share) -> str:
    if share.trouble:
        return f"{share.worker}: can't be used: {inert(share.trouble)}"
    trip = f", round trip {brief_time(share.round_trip_s)}" if share.round_trip_s else ""
    lanes = f"{share.lanes:.3g} at a time"
    return (
        f"{share.worker}: {count(share.slots, 'slot')}, {lanes}{trip}, "
        f"{brief_time(share.tile_s)} a tile, "
        f"{share.tiles:.1f} tiles in about {brief_time(share.busy_s)}{_way(share)}"
    )


def _way(share: Share) -> str:
    """Return how tiles travel to a worker; nothing of this machine."""
    why = f": {inert(share.why)}" if share.why else ""
    if share.by_reference:
        return ", by reference" if share.writes else f", by reference, and back as bytes{why}"
    return f", as bytes{why}" if share.round_trip_s else ""
