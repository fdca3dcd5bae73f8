"""Time of a command as a whole process, against the script a user would write instead."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.cases import IMAGE
from benchmarks.report import table, verdict
from benchmarks.rounds import in_turns

HELP, BLUR, SCRIPT = "coord --help", "coord blur in.npy", "python -c, NumPy and SciPy"
HELP_WITHIN_S = 0.3
TARGET = 1.0

COORD = (sys.executable, "-m", "coordinator")
COMMANDS = {
    HELP: (*COORD, "--help"),
    BLUR: (*COORD, "blur", "in.npy", "--output", "ours.npy", "--overwrite", "--quiet"),
    SCRIPT: (
        sys.executable,
        "-c",
        "import numpy as np; from scipy.ndimage import gaussian_filter; "
        "np.save('out.npy', gaussian_filter(np.load('in.npy'), 0.5))",
    ),
}

ENVIRONMENT = {key: text for key, text in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
"""An installed package has its bytecode, and so has this clone after a first run."""


def measure(rounds: int, *, short: bool) -> Iterator[str]:
    """Yield the table, after a look at the bits."""
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder, "in.npy"), IMAGE.array())
        runs = {name: partial(_run, command, folder) for name, command in COMMANDS.items()}
        for run in runs.values():
            run()
        ours, theirs = (Path(folder, name).read_bytes() for name in ("ours.npy", "out.npy"))
        assert ours == theirs, "coord blur writes other bytes than NumPy and SciPy"
        times = in_turns(runs, rounds)
    rows = [
        (name, f"{times.median(name) * 1e3:.0f}", f"{times.ratio(name, SCRIPT):.2f}")
        for name in runs
    ]
    text = f"### Whole processes, {IMAGE.name}\n\n{table(('', 'ms', 'vs the script'), rows)}"
    yield text
    if short:
        return
    helped = verdict(HELP_WITHIN_S / times.median(HELP), TARGET)
    blurred = verdict(times.ratio(BLUR, SCRIPT), TARGET)
    yield (
        f"`{HELP}` within {HELP_WITHIN_S * 1e3:.0f} ms: {helped}. "
        f"`{BLUR}` in less time than the script: {blurred}."
    )


def _run(command: tuple[str, ...], folder: str) -> None:
    subprocess.run(command, cwd=folder, env=ENVIRONMENT, check=True, stdout=subprocess.DEVNULL)
