"""Forecasts against runs: what `coord ... --dry-run` says, and what the command then takes.

Both are whole processes, one after the other, so a run finds the machine as its forecast did; on a
machine that others use too, what changes between the two is in the ratio.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.processes import running_workers
from benchmarks.report import table
from benchmarks.startup import ENVIRONMENT

COORD = (sys.executable, "-m", "coordinator", "filter")
WITHIN, LONG_S = 0.25, 2.0
"""The goal: so near, for runs that take longer than that."""

MOST_ROUNDS = 3
"""Of each case: the long ones take seconds."""

WORKERS = 2


@dataclass(frozen=True, slots=True)
class Case:
    """A filter, its parameters as options, and the array."""

    filter: str
    shape: tuple[int, ...]
    options: Mapping[str, str]
    binary: bool = False

    @property
    def name(self) -> str:
        """In words."""
        words = " ".join(f"{key} {value}" for key, value in self.options.items())
        kind = "bool" if self.binary else "float32"
        return f"{self.filter} {words}, {'x'.join(map(str, self.shape))} {kind}"

    def save(self, path: Path) -> None:
        """Write the array: noise, or true but for a thousandth."""
        array = np.random.default_rng(0).random(self.shape, np.float32)
        np.save(path, array < 0.999 if self.binary else array)


def _filters(shapes: Mapping[str, tuple[int, ...]], volume: tuple[int, ...]) -> list[Case]:
    return [
        *(Case("gaussian_filter", shapes["sigma"], {"sigma": s}) for s in ("2", "5", "20")),
        Case("median_filter", shapes["median 15"], {"size": "15"}),
        Case("median_filter", shapes["median 5"], {"size": "5"}),
        Case("uniform_filter", shapes["uniform"], {"size": "5"}),
        Case("binary_erosion", volume, {"iterations": "10"}, binary=True),
    ]


NAMES = ("sigma", "median 15", "median 5", "uniform")
BRIEF = _filters(dict.fromkeys(NAMES, (4096, 4096)) | {"median 15": (1024, 1024)}, (256,) * 3)
LONG = [
    Case("gaussian_filter", (16384, 16384), {"sigma": "20"}),
    Case("gaussian_filter", (8192, 8192), {"sigma": "80"}),
    Case("median_filter", (8192, 16384), {"size": "15"}),
    Case("median_filter", (4096, 8192), {"size": "51"}),
    Case("uniform_filter", (16384, 16384), {"size": "5"}),
    Case("binary_erosion", (768, 768, 768), {"iterations": "30"}, binary=True),
]
SHORT = _filters(dict.fromkeys(NAMES, (256, 256)), (32,) * 3)


def measure(rounds: int, *, short: bool) -> Iterator[str]:
    """Forecast and run each case here, and on workers of this machine; yield a table of each.

    Parameters
    ----------
    rounds : int
        Of each case, up to `MOST_ROUNDS`.
    short : bool
        Whether to take small arrays only, and to judge nothing.
    """
    cases = SHORT if short else [*BRIEF, *LONG]
    rounds = min(rounds, MOST_ROUNDS)
    with tempfile.TemporaryDirectory() as name, running_workers(WORKERS) as addresses:
        folder = Path(name)
        (folder / "hosts.toml").write_text(f"hosts = {json.dumps(addresses)}")
        for where, options in {
            "on this machine": (),
            f"on {WORKERS} workers of this machine": ("--hosts", "hosts.toml"),
        }.items():
            rows, near = [], []
            for case in cases:
                pairs = [_both(case, folder, options) for _ in range(rounds)]
                forecast_s, actual_s = (
                    statistics.median(each) for each in zip(*pairs, strict=True)
                )
                ratios = [actual / forecast for forecast, actual in pairs]
                ratio = statistics.median(ratios)
                spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
                rows.append(
                    (case.name, f"{forecast_s:.2f}", f"{actual_s:.2f}", f"{ratio:.2f}", spread)
                )
                if actual_s > LONG_S:
                    near.append(abs(ratio - 1) <= WITHIN)
            head = ("", "forecast s", "actual s", "actual / forecast", "of the rounds")
            yield f"### Forecast and run, {where}\n\n{table(head, rows)}"
            if not short:
                yield (
                    f"{sum(near)} of {len(near)} runs longer than {LONG_S:g} s are within "
                    f"{WITHIN:.0%} of their forecast."
                ).replace("%", " %")


def _both(case: Case, folder: Path, where: tuple[str, ...]) -> tuple[float, float]:
    """Return the seconds that are forecast for a case, and those that it takes."""
    path = folder / f"{'x'.join(map(str, case.shape))}{'b' if case.binary else ''}.npy"
    if not path.exists():
        case.save(path)
    options = [word for key, value in case.options.items() for word in (f"--{key}", value)]
    command = [*COORD, case.filter, path.name, *options, *where]
    said = json.loads(_run([*command, "--dry-run", "--json"], folder))
    began = time.perf_counter()
    _run([*command, "--output", "out.npy", "--overwrite", "--quiet"], folder)
    actual_s = time.perf_counter() - began
    forecast_s = said["fleet_s"] if where else said["here_s"]
    return float(forecast_s), actual_s


def _run(command: list[str], folder: Path) -> str:
    done = subprocess.run(
        command, cwd=folder, env=ENVIRONMENT, check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout
