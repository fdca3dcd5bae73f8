"""The real `worker` whose tiles take their time: `python -m tests.support.slow_worker`.

Each sample of a tile costs seconds of sleep, in which the watch is looked at, and then the tile is
computed. So tests see what heavy filters do, on a machine that has other work.
"""

from __future__ import annotations

import os
import time
from typing import Any

from tiling.kernels.apply import apply
from tiling.kernels.watch import current
from worker import cli
from worker.endpoints import tiles
from worker.runtime import job_cache
from worker.runtime.trial import Trial

SAMPLE_S = "TILEFAN_TEST_SAMPLE_S"
"""Names the variable with seconds per sample."""

PIECE_S = 0.02


def slow_apply(program: Any, block: Any, crop: Any, out: Any, kernel: Any) -> None:
    """Apply a program of one step, slowly."""

    def slow_kernel(operation: Any, *arrays: Any) -> None:
        watch, sleep_s = current(), out.size * float(os.environ[SAMPLE_S])
        pieces = max(1, int(sleep_s / PIECE_S))
        for piece in range(pieces):
            time.sleep(sleep_s / pieces)
            if watch is not None:
                watch.advance((piece + 1) / (pieces + 1))
        kernel(operation, *arrays)

    apply(program, block, crop, out, slow_kernel)


if __name__ == "__main__":
    tiles.apply = slow_apply
    job_cache.tried = lambda *_: Trial(1000, 1000 * float(os.environ[SAMPLE_S]))  # type: ignore[assignment]
    cli.main()
