"""Provenance in lines of text."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from coordinator.display.closing import verified_words
from coordinator.text import brief_time, count, dtype_name, extent, inert, megabytes, printable

if TYPE_CHECKING:
    from coordinator.report.provenance import Provenance

NAMED: Final = 20  # workers and warnings: more in a list nobody reads


UNTAKEN: Final = "none: it is large, and --provenance was not asked for"

INTACT: Final = {
    True: "yes",
    False: "NO: its bytes have changed since they were written",
    None: "not known: no digest was taken",
}


def lines(provenance: Provenance, *, intact: bool | None) -> Iterator[str]:
    """Yield how an output was made, and whether it is still what was written."""
    size = provenance.output
    what = f"{extent(provenance.shape)} {dtype_name(size.dtype)}, {megabytes(size.file_bytes)} MB"
    rows = {
        "output": f"{size.path}: {what}",
        "intact": INTACT[intact],
        "digest": size.digest or UNTAKEN,
        "filter": provenance.filter,
        "command": provenance.command,
        "input": f"{provenance.input.path} {dtype_name(provenance.input.dtype)}",
        "": provenance.input.digest or UNTAKEN,
        **_mask(provenance),
        "job": provenance.job,
        "tiles": f"of {extent(provenance.tile)}, halo {_halo(provenance)}",
        "when": f"{provenance.started}, in {brief_time(provenance.seconds)}{_expected(provenance)}",
        "with": ", ".join(f"{name} {version}" for name, version in provenance.versions.items()),
        "trouble": f"{provenance.retries} retried, {provenance.hedges} hedged",
    }
    if provenance.verified is not None:
        rows["verified"] = verified_words(*provenance.verified, len(provenance.stages))
    yield from (f"{name:>8}  {printable(text)}" for name, text in rows.items())
    yield from _workers(provenance)
    yield from _stages(provenance)
    for warning in provenance.warnings[:NAMED]:
        yield f"{'warning':>8}  {inert(warning)}"
    if len(provenance.warnings) > NAMED:
        yield f"{'':>8}  and {len(provenance.warnings) - NAMED:,} more warnings"


def _expected(provenance: Provenance) -> str:
    expected_s = provenance.expected_s
    return "" if expected_s is None else f"; {brief_time(expected_s)} expected"


def _mask(provenance: Provenance) -> dict[str, str]:
    if (mask := provenance.mask) is None:
        return {}
    return {"mask": f"{mask.path or 'in no file'}, {mask.digest or UNTAKEN}"}


def _halo(provenance: Provenance) -> str:
    before, after = provenance.halo
    return extent(before) if before == after else f"{extent(before)} before, {extent(after)} after"


def _workers(provenance: Provenance) -> Iterator[str]:
    tiles: Counter[str] = Counter()
    runs: defaultdict[str, list[str]] = defaultdict(list)
    first = 0
    for worker, run in provenance.makers:
        tiles[worker] += run
        runs[worker].append(str(first) if run == 1 else f"{first}-{first + run - 1}")
        first += run
    last = " of the last stage" if provenance.stages else ""
    for stage in provenance.stages:
        tiles.update(dict.fromkeys(stage, 0))
    for worker, number in tiles.most_common(NAMED):
        about = ", ".join(
            f"{key} {value}" for key, value in provenance.workers.get(worker, {}).items()
        )
        name = worker or "an earlier run"
        words = f"{name}: {count(number, 'tile')}{last}" + (f" ({about})" if about else "")
        if runs[worker]:
            words += f", tiles {', '.join(runs[worker][:NAMED])}"
        if len(runs[worker]) > NAMED:
            words += f" and {count(len(runs[worker]) - NAMED, 'more run')}"
        if proved := provenance.proofs.get(worker):
            words += f", proved {count(len(proved), 'probe')}: {', '.join(proved)}"
        yield f"{'worker':>8}  {inert(words)}"
    if len(tiles) > NAMED:
        yield f"{'':>8}  and {len(tiles) - NAMED:,} more workers"
    if provenance.tiles_unlisted:
        yield f"{'':>8}  and {count(provenance.tiles_unlisted, 'tile')} of unlisted workers"


def _stages(provenance: Provenance) -> Iterator[str]:
    """Yield who computed each stage of a job in stages."""
    for number, stage in enumerate(provenance.stages[:NAMED], 1):
        most = Counter(stage).most_common(NAMED)
        words = "; ".join(f"{worker}: {count(tiles, 'tile')}" for worker, tiles in most)
        if len(stage) > NAMED:
            words += f"; and {len(stage) - NAMED:,} more workers"
        yield f"{'stage':>8}  {inert(f'{number} of {len(provenance.stages)}: {words}')}"
    if len(provenance.stages) > NAMED:
        yield f"{'':>8}  and {len(provenance.stages) - NAMED:,} more stages"
