"""The memory that windows take in SciPy, against what is estimated before they are made."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

MEASURE = """
import re
from pathlib import Path
import numpy as np
from scipy import ndimage
from tiling.filters import FILTERS
from tiling.jobs.job import Job
from tiling.jobs.memory import tile_bytes
from tiling.kernels.apply import apply
from tiling.kernels.reference import run

def peak():  # that of ru_maxrss is inherited from the parent process
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\\s+(\\d+)", status)[1]) * 1024

block = np.ones({shape}, {dtype!r})
job = Job(block.ndim, (FILTERS[{name!r}].call(block.ndim, block.dtype, **{parameters}),))
out = np.empty(block.shape, job.target)
estimate = tile_bytes(job, block.shape, block.shape)
before = peak()
apply(job.program, block, tuple(slice(0, length) for length in block.shape), out, run)
print(peak() - before, estimate)
"""

CASES = [
    ("uniform_filter1d", "dict(size=4_000_000)", (4,), "f8"),
    ("maximum_filter1d", "dict(size=4_000_000)", (3, 4), "f4"),
    ("median_filter", "dict(size=(120, 120))", (20, 20), "u2"),
    ("grey_erosion", "dict(structure=np.ones((120, 120)))", (20, 20), "f8"),
    ("correlate", "dict(weights=np.ones((120, 120)))", (20, 20), "f8"),
    ("binary_erosion", "dict(structure=np.ones((90, 90)), iterations=2)", (20, 20), "u1"),
]


@pytest.mark.parametrize(("name", "parameters", "shape", "dtype"), CASES, ids=[c[0] for c in CASES])
def test_no_window_takes_more_than_is_estimated(
    name: str, parameters: str, shape: tuple[int, ...], dtype: str
) -> None:
    """What the process really takes is within the estimate, and no small part of it."""
    program = MEASURE.format(name=name, parameters=parameters, shape=shape, dtype=dtype)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    taken, estimate = map(int, done.stdout.split())
    assert 10e6 < taken <= estimate + 8 * 2**20, (taken, estimate)  # the allocator's own pages
    assert estimate < 6 * taken
