"""`coord demo` as a newcomer runs it."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from coordinator.workflows.demo import Times, _lines


def test_the_demo_compares_and_says_what_comes_next() -> None:
    """Each way has SciPy's bits; a line says whether further machines pay; workers are silent."""
    done = subprocess.run(
        [sys.executable, "-m", "coordinator", "demo"], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    assert done.stdout.count("equal, bit for bit") == 4
    assert len(re.findall(r"keep it on one machine|further machines pay", done.stdout)) == 2
    assert "next, with an array of yours:\n  coord blur in.npy" in done.stdout
    assert all(len(line) <= 80 for line in done.stdout.splitlines())


@pytest.mark.parametrize(
    ("times", "words"),
    [
        (Times(2.0, 0.01, 0.1, 2**26), "keep it on one machine"),
        (Times(9.0, 0.9, 1.0, 2**21), "further machines pay"),
    ],
    ids=["quick", "slow"],
)
def test_what_the_times_mean(times: Times, words: str) -> None:
    """A slower fleet is never shown without the reason."""
    *_, why, verdict = _lines(times, 2)
    assert why.startswith("The workers share this machine's cores")
    assert words in verdict
