"""The machine in use: its name since it was booted, and the age of this process."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from coordinator import machine


def test_age_of_a_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It counts from the start, before any import; else it is the time of the processor."""
    code = "import time; time.sleep(0.3); from coordinator.machine import process_age_s as age; "
    began_s = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", f"{code} print(age())"], check=True, capture_output=True, text=True
    )
    assert 0.28 < float(done.stdout) < time.monotonic() - began_s + 0.02
    monkeypatch.setattr(machine, "STAT", tmp_path / "none")
    assert 0 <= machine.process_age_s() <= time.process_time() + 0.01


def test_available_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As the system tells; there is no bound where it does not."""
    monkeypatch.setattr(machine, "MEMORY", tmp_path / "meminfo")
    assert machine.available_bytes() == sys.maxsize
    (tmp_path / "meminfo").write_text("MemTotal: 9 kB\nMemAvailable:   3 kB\nCached: 2 kB\n")
    assert machine.available_bytes() == 3072
