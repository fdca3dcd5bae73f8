"""Peak private memory of a run over a file: `python -m benchmarks.memory [GIB]`.

Blurs a float32 `.npy` through two workers and samples ``RssAnon`` of `/proc/PID/status` of each
process: the memory that no file backs, which is what a machine must have.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from tests.support.processes import running_workers

MIB = 2**20
EVERY_S = 0.02


def private_mib(pid: int) -> float:
    """Return the anonymous resident memory of a process, in MiB; 0 once it has gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    lines = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    return int(lines.get("RssAnon", "0 kB").split()[0]) / 1024


def main(gib: float = 2.0, tile_mib: int = 64) -> None:
    """Print the peak of the coordinator and of each worker."""
    rows = int(gib * 2**30) // (4096 * 4)
    with tempfile.TemporaryDirectory() as folder, running_workers(2) as workers:
        source = Path(folder) / "in.npy"
        x = np.lib.format.open_memmap(source, "w+", np.float32, (rows, 4096))
        for start in range(0, rows, 4096):
            x[start : start + 4096] = np.random.default_rng(start).random((1, 4096))
        del x
        hosts = Path(folder) / "hosts.toml"
        hosts.write_text("hosts = [" + ", ".join(f'"{w.address}"' for w in workers) + "]\n")
        command = [sys.executable, "-m", "coordinator", "blur", str(source), "--sigma", "2"]
        tile = f"{tile_mib * MIB // (4096 * 4)},4096"
        began = time.monotonic()
        coord = subprocess.Popen([*command, "--hosts", str(hosts), "--tile", tile])
        peaks = dict.fromkeys([coord.pid, *(worker.pid for worker in workers)], 0.0)
        while coord.poll() is None:
            for pid, peak in peaks.items():
                peaks[pid] = max(peak, private_mib(pid))
            time.sleep(EVERY_S)
        seconds = time.monotonic() - began
    print(f"{gib:g} GiB float32, sigma 2, tiles of {tile_mib} MiB: {seconds:.1f} s")
    for name, peak in zip(("coordinator", "worker 1", "worker 2"), peaks.values(), strict=True):
        print(f"{name:12} {peak:6.0f} MiB private at its peak")
    if coord.returncode:
        sys.exit(coord.returncode)


if __name__ == "__main__":
    main(float(sys.argv[1]) if sys.argv[1:] else 2.0)
