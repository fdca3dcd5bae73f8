"""Workers prove their bits before they get a tile; those that can't are named."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from coordinator.api.fleet import Fleet
from coordinator.errors import NoWorkerError
from coordinator.events import Event, TileSent, WorkerLost
from coordinator.hosts import attestation
from tests.support.equality import assert_same_bits
from tests.support.processes import WorkerProcess
from tests.support.worker_in_thread import worker_thread
from tests.tiling.probes import make_expected
from tiling.filters import FILTERS
from tiling.jobs.job import Job
from tiling.kernels import reference
from tiling.probes import arithmetic, windows
from tiling.probes.correlations import MODES
from tiling.probes.digests import digest_of, expected, needed

IMAGE = np.random.default_rng(5).standard_normal((48, 48))


def test_the_table_is_scipys() -> None:
    """What is shipped is what SciPy computes here and now, to the last byte of the file."""
    assert make_expected.TARGET.read_text("ascii") == make_expected.text()


def test_every_pair_of_dtypes_and_mode_has_a_probe() -> None:
    """No job of passes lacks the probe that it needs."""
    names = {
        f"{source}-{target}-{mode}" for source, target in make_expected.PAIRS for mode in MODES
    }
    assert names | {*windows.names(), *arithmetic.names(), "subnormals"} == set(expected())
    call = FILTERS["gaussian_filter"].call(2, IMAGE.dtype, 1.0, mode=["wrap", "mirror"])
    passes = ("float64-float64-mirror", "float64-float64-wrap", "subnormals")
    assert needed(Job(2, (call, call))) == passes
    copy = FILTERS["gaussian_filter"].call(2, IMAGE.dtype, 0.0)
    assert needed(Job(2, (copy,))) == ("copy-float64", "subnormals")


def test_one_ulp_changes_the_digest() -> None:
    """The smallest difference in one sample of one case shows."""

    def nearly(operation: Any, block: Any, crop: Any, out: Any) -> None:
        reference.run(operation, block, crop, out)
        out.flat[0] = np.nextafter(out.flat[0], np.inf)

    name = "float32-float32-reflect"
    assert digest_of(name, nearly) != expected()[name] == digest_of(name, reference.run)


def test_other_machines_ask_scipy() -> None:
    """Where the table does not apply, the coordinator's own SciPy says what is right."""
    names = ["uint8-uint8-wrap"]
    assert attestation.expected_digests(names, "aarch64") == {names[0]: expected()[names[0]]}


def one_ulp_more(operation: Any, block: Any, crop: Any, out: Any) -> None:
    reference.run(operation, block, crop, out)
    if out.dtype.kind == "f":
        out[...] = np.nextafter(out, np.inf)


@contextlib.contextmanager
def strange_worker() -> Iterator[str]:
    """Run a worker in this process whose floats are one ulp too large."""
    with worker_thread(one_ulp_more) as address:
        yield address


def test_a_worker_with_other_bits_gets_no_tile(two_workers: list[WorkerProcess]) -> None:
    """It is named with what it is and the first probe that differs; the others do the work."""
    heard: list[Event] = []
    lock = threading.Lock()

    def listen(_: float, event: Event) -> None:
        with lock:
            heard.append(event)

    with strange_worker() as strange:
        hosts = [two_workers[0].address, strange]
        with Fleet(hosts, listen=listen) as fleet:
            got = fleet.gaussian_filter(IMAGE, 1.0, mode="wrap", tile=16)
        assert_same_bits(got, ndimage.gaussian_filter(IMAGE, 1.0, mode="wrap"))
        lost = [event for event in heard if isinstance(event, WorkerLost)]
        assert [(event.worker, event.permanent) for event in lost] == [(strange, True)]
        for word in ("float64-float64-wrap", "SciPy 1.", "NumPy 2.", "kernel strange"):
            assert word in lost[0].reason
        assert {e.worker for e in heard if isinstance(e, TileSent)} == {two_workers[0].address}
        with Fleet([strange]) as fleet, pytest.raises(NoWorkerError, match="other bits than SciPy"):
            fleet.gaussian_filter(IMAGE, 1.0)
        with Fleet([strange]) as fleet:  # its integers are right, and that is what counts here
            image = IMAGE.astype("i4")
            assert_same_bits(fleet.gaussian_filter(image, 1), ndimage.gaussian_filter(image, 1))


@pytest.mark.parametrize(
    "said",
    [
        None,
        [],
        {},
        {"digests": None},
        {"digests": {}},
        {"digests": {"bool-bool-wrap": 1}},
        {"digests": {"bool-bool-wrap": "0"}, "cpu": "\x1b[31m[red]" * 99, "scipy": {}},
    ],
    ids=lambda said: str(said)[:30],
)
def test_strange_answers_are_no_proof(said: object) -> None:
    """Whatever a worker says instead of the digests, it is left out in harmless words."""
    words = attestation.attestation_error(["bool-bool-wrap"], said)
    assert words is not None
    assert "bool-bool-wrap is the first probe" in words
    assert words.isprintable()
    assert len(words) < 600


def test_the_coordinator_needs_no_scipy(two_workers: list[WorkerProcess]) -> None:
    """A run on a fleet loads neither SciPy nor aiohttp, attestation included."""
    program = (
        "import sys, numpy as np; from coordinator import Fleet\n"
        f"with Fleet(['{two_workers[0].address}']) as fleet:\n"
        "    fleet.gaussian_filter(np.ones((9, 9)), 1.0)\n"
        "print(sorted({'scipy', 'aiohttp'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("[]\n", 0), done.stderr


@pytest.mark.parametrize(
    ("probe", "kernel", "words"),
    [
        ("bool-bool-wrap", "native", "start it with --kernel reference"),
        ("rank-int8", "reference", "versions of NumPy and SciPy"),
        ("multiply-complex64", "native", "a machine like it"),
        ("copy-float32", "reference", "a machine like it"),
        ("subnormals", "reference", "without that library"),
    ],
)
def test_the_advice_is_what_helps(probe: str, kernel: str, words: str) -> None:
    """The reference kernel helps against neither the processor nor a library."""
    said = attestation.attestation_error([probe], {"kernel": kernel})
    assert said is not None
    assert words in said
    assert ("--kernel reference" in said) == (probe == "bool-bool-wrap")
