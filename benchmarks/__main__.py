"""`python -m benchmarks`: tilefan and its peers in one run; `--short` for CI."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import (
    by_reference,
    comparison,
    dask,
    forecast,
    kernels,
    link,
    machine,
    rows,
    startup,
    transport,
    zarr,
)

RESULTS = Path(__file__).with_name("RESULTS.md")

SHORT_ROUNDS = 3

ABOUT = (
    "Medians of interleaved rounds, warm. A ratio is the median of the rounds' ratios, and above 1 "
    "is faster. Ours have SciPy's bits: checked before each case is timed."
)

SECTIONS: dict[str, Callable[..., Iterator[str]]] = {
    "filters": comparison.compare,
    "kernels": kernels.measure,
    "rows": rows.measure,
    "transport": transport.measure,
    "link": link.measure,
    "by reference": by_reference.measure,
    "startup": startup.measure,
    "forecast": forecast.measure,
    "zarr": zarr.measure,
    "dask": dask.measure,
}


def main() -> None:
    """Measure, print, and write RESULTS.md unless it is a short or partial run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=ABOUT)
    parser.add_argument("--short", action="store_true", help="small arrays, no targets, no file")
    parser.add_argument("--rounds", type=int, default=9, help="of each contender")
    parser.add_argument("--only", choices=SECTIONS, help="one section, no file")
    parser.add_argument("--machine", help="what to call this machine; its CPU unless given")
    chosen = parser.parse_args()
    rounds = SHORT_ROUNDS if chosen.short else chosen.rounds
    parts = ["# Benchmarks", machine.describe(chosen.machine), ABOUT]
    print("\n\n".join(parts), flush=True)
    for name, section in SECTIONS.items():
        if chosen.only in (None, name):
            for part in section(rounds, short=chosen.short):
                print(f"\n{part}", flush=True)
                parts.append(part)
    if not (chosen.short or chosen.only):
        RESULTS.write_text("\n\n".join(parts) + "\n")


if __name__ == "__main__":
    main()
