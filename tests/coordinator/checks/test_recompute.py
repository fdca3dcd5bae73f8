"""Verification: which tiles are looked at, and that one wrong bit is found and named."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from coordinator import Fleet
from coordinator.checks.recompute import AHEAD, Check, Sampling, corners, difference
from coordinator.engines import Capacity
from coordinator.engines.local import LocalEngine
from coordinator.errors import InputError, VerifyError
from coordinator.events import Event
from coordinator.machine import usable_cores
from coordinator.run.output import Output
from coordinator.run.request import Request
from coordinator.run.run import run
from coordinator.stores.memory import ArraySink, ArraySource
from tests.support.processes import WorkerProcess
from tests.support.worker_in_thread import worker_thread
from tiling.filters import FILTERS
from tiling.geometry.box import Box
from tiling.geometry.grid import Grid
from tiling.jobs.job import Job
from tiling.kernels import reference

IMAGE = np.random.default_rng(7).integers(0, 255, (40, 60), dtype=np.int32)
WANT = ndimage.gaussian_filter(IMAGE, 1.5)

grids = st.lists(st.tuples(st.integers(0, 40), st.integers(1, 15)), min_size=0, max_size=4).map(
    lambda axes: Grid(tuple(n for n, _ in axes), tuple(size for _, size in axes))
)


@given(grids, st.floats(0.001, 1), st.integers())
def test_a_sample_is_of_the_size_asked_for(grid: Grid, fraction: float, seed: int) -> None:
    """Tiles are drawn once each, at least one, all of them for a share of 1, by the dice alone."""
    drawn = Sampling(fraction, Random(seed)).draw(grid)
    assert len(set(drawn)) == len(drawn)
    assert set(drawn) <= set(range(len(grid)))
    assert min(1, len(grid)) <= len(drawn) <= min(len(grid), fraction * len(grid) + 1)
    assert drawn == Sampling(fraction, Random(seed)).draw(grid)
    assert len(Sampling(1.0).draw(grid)) == len(grid)


def test_corners_come_first() -> None:
    """Half of a sample looks at corners, while there are any; the others are elsewhere too."""
    grid = Grid((100, 100), (10, 10))
    assert set(corners(grid)) == {0, 9, 90, 99}
    drawn = Sampling(0.2, Random(1)).draw(grid)
    assert set(drawn[:4]) == set(corners(grid))
    assert any(grid.position(tile)[0] not in {0, 9} for tile in drawn)
    assert Sampling(0.001).draw(grid) == (0,)


def test_a_sample_of_millions_costs_nothing() -> None:
    """Neither many tiles nor many axes make a sample slow or large."""
    assert len(Sampling(1e-9).draw(Grid((2**40,), (1,)))) == 1100
    assert len(Sampling(1e-9).draw(Grid((2,) * 32, (1,) * 32))) == 5


def one_off(operation: Any, block: Any, crop: Any, out: Any) -> None:
    """Filter rightly whatever has the shape of a probe, and all else with one wrong sample."""
    reference.run(operation, block, crop, out)
    if out.ndim == 2:
        out[3, 4] += 1


class WrongEngine(LocalEngine):
    """An engine that spoils one sample of one tile."""

    def run(self, tiles: Any, tell: Any) -> None:
        super().run(tiles, tell)
        tiles.sink.region(tiles.plan[3].write)[1, 2] += 1


def test_one_wrong_sample_ends_the_run() -> None:
    """The tile, who computed it and the first differing index are named."""
    job = Job(2, (FILTERS["gaussian_filter"].call(2, IMAGE.dtype, 1.5),))
    request = Request(job, ArraySource(IMAGE), (20, 20), sampling=Sampling(1.0))
    out = np.empty_like(WANT)
    heard: list[Event] = []

    def go(engine: LocalEngine) -> None:
        run(request, lambda _: Output(ArraySink(out)), engine, lambda _, event: heard.append(event))

    go(LocalEngine(2))
    assert out.tobytes() == WANT.tobytes()
    with pytest.raises(VerifyError) as caught:
        go(WrongEngine(2))
    place = (21, 2)
    assert str(caught.value) == (
        "tile 3, computed by this machine, is not SciPy's: "
        f"first at {place}: {WANT[place] + 1}, not {WANT[place]}"
    )
    assert caught.value.exit_code == 5


def test_the_first_difference_ends_the_check() -> None:
    """Of 600 tiles whose second is wrong a few per core are computed, and no more are drawn."""
    job = Job(2, (FILTERS["gaussian_filter"].call(2, IMAGE.dtype, 1.5),))
    plan = Request(job, ArraySource(IMAGE), (2, 2)).plan(Capacity(1, 1))
    wrong = WANT.copy()
    wrong[0, 2] += 1
    compared, drawn = [], []

    def result(box: Box) -> Any:
        compared.append(box)
        return wrong[box.slices]

    def numbers() -> Iterator[int]:
        for number in range(len(plan)):
            drawn.append(number)
            yield number

    check = Check(job, plan, ArraySource(IMAGE), result).tiles(numbers(), {})
    assert next(check) == 0
    with pytest.raises(VerifyError, match=r"tile 1 is not SciPy's: first at \(0, 2\)"):
        next(check)
    assert len(plan) == 600
    assert len(compared) <= len(drawn) <= AHEAD * usable_cores() + 2


def coord(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "coordinator", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_a_lying_worker_is_found(tmp_path: Path) -> None:
    """A worker that passes every probe and lies about tiles: exit 5, its name, no file."""
    np.save(tmp_path / "in.npy", IMAGE)
    with worker_thread(one_off) as address:
        (tmp_path / "hosts.toml").write_text(f'hosts = ["{address}"]')
        fleet = ("--sigma", "1.5", "--hosts", tmp_path / "hosts.toml")
        result = coord("blur", tmp_path / "in.npy", *fleet, "--verify", "10%", "--tile", "20")
    assert result.returncode == 5, result.stderr
    assert f"tile 0, computed by {address}, is not SciPy's: first at (3, 4): " in result.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["hosts.toml", "in.npy"]


def test_a_finished_file(tmp_path: Path) -> None:
    """The right file passes, with progress; one wrong bit, another dtype or parameter does not."""
    source, good, bad = (tmp_path / name for name in ("in.npy", "good.npy", "bad.npy"))
    np.save(source, IMAGE)
    assert coord("blur", source, "-o", good, "--sigma", "1.5", "--verify", "50%").returncode == 0
    passed = coord("verify", good, source, "--sigma", "1.5")
    assert passed.returncode == 0
    assert "tile" in passed.stderr
    assert coord("verify", good, source, "--sigma", "1.5", "--sample", "2%").returncode == 0

    wrong = WANT.copy()
    wrong[39, 59] ^= 1 << 20
    np.save(bad, wrong)
    failed = coord("verify", bad, source, "--sigma", "1.5")
    assert failed.returncode == 5
    assert f"first at (39, 59): {wrong[39, 59]}, not {WANT[39, 59]}" in failed.stderr
    assert coord("verify", good, source, "--sigma", "1.6", "-q").returncode == 5
    other = coord("verify", good, source, "--dtype", "float64", "-q")
    assert other.returncode == 5
    assert f"holds 40x60 int32; of {source}, SciPy makes 40x60 float64" in other.stderr
    assert coord("verify", good, source, "--sample", "0%").returncode == 2
    assert coord("verify", tmp_path / "none.npy", source).returncode == 2


def test_a_difference_is_one_of_bits() -> None:
    """Zeros of both signs differ, NaNs of one pattern do not, byte order does not matter."""
    one = np.array([[0.0, np.nan]])
    assert difference(one, one.copy(), (0, 0)) is None
    assert difference(one.astype(">f8"), one, (0, 0)) is None
    assert difference(-one, one, (5, 5)) is not None
    assert difference(np.zeros(()), np.ones(()), ()) == "first at (): 0.0, not 1.0"


CHECKED = [
    ("filter median_filter in.npy --size 3,5 -o out.npy", "--filter median_filter --size 3,5"),
    (
        "median in.npy --size 4 --mode wrap -o out.npy",
        "--filter median_filter --size 4 --mode wrap",
    ),
    ("sobel in.npy --dtype float32 -o out.npy", "--filter sobel --dtype float32"),
    (
        "filter uniform_filter in.npy --size 3 --dtype float64 -o out.npy",
        "--filter uniform_filter --size 3 --dtype float64",
    ),
    ("blur in.npy --sigma 1.5,0 --cval 2 -o out.npy", "--sigma 1.5,0 --cval 2"),
    ("run p.toml in.npy -o out.npy", ""),
]


@pytest.mark.parametrize(("line", "same"), CHECKED, ids=[line for line, _ in CHECKED])
def test_a_file_of_any_filter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, same: str
) -> None:
    """By what is said, and without a word by its provenance; a wrong bit is found either way."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))
    np.save("in.npy", IMAGE)
    Path("p.toml").write_text(
        '[[filters]]\nname = "laplace"\n[[filters]]\nname = "maximum_filter"\nsize = 3\n'
    )
    made = coord(*line.split(), "--verify", "50%", "--provenance")
    assert (made.returncode, "Traceback" in made.stderr) == (0, False), made.stderr
    ways = [[], same.split()] if same else [[]]
    for said in ways:
        assert coord("verify", "out.npy", "in.npy", "-q", *said).returncode == 0
    wrong = np.load("out.npy")
    wrong[20, 30] += 1
    np.save("out.npy", wrong)
    for said in ways:
        found = coord("verify", "out.npy", "in.npy", "-q", *said)
        assert found.returncode == 5
        assert "first at (20, 30)" in found.stderr


def test_what_can_not_be_verified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An option that a filter has not, an unknown filter, a provenance of another job."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))
    np.save("in.npy", IMAGE)
    assert coord("blur", "in.npy", "-o", "out.npy", "--provenance").returncode == 0
    provenance = Path("out.npy.json")
    recorded = provenance.read_text()
    for said, word in (
        (["--filter", "sobel", "--size", "3"], "sobel has no --size"),
        (["--filter", "sobl"], "no filter"),
        (["--filter", "rank_filter", "--size", "3"], "rank"),
    ):
        done = coord("verify", "out.npy", "in.npy", *said)
        assert (done.returncode, word in done.stderr) == (2, True), done.stderr
    facts = json.loads(recorded)
    another = json.loads(facts["recipe"])
    another["calls"][0]["operation"]["passes"][0]["axis"] = 7
    for changes, word in (
        ({"job": "0" * 32}, "another job"),
        ({"recipe": ""}, "does not record"),
        ({"recipe": "[" * 10**5}, "no filters that exist"),
        ({"recipe": json.dumps(another)}, "no filters that exist"),
        ({"output": {**facts["output"], "dtype": "O"}}, "no filters that exist"),
        ({"output": {**facts["output"], "dtype": "<f4"}}, "another job"),
    ):
        provenance.write_text(json.dumps(facts | changes))
        done = coord("verify", "out.npy", "in.npy")
        assert (done.returncode, word in done.stderr) == (2, True), (changes, done.stderr)
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize("line", ["coord blur in.npy --help", "coord demo --help", "rm -rf x"])
def test_the_command_in_a_provenance_is_never_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    """It is a stranger's text: what was filtered is read as data, and a changed file is found."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))
    np.save("in.npy", IMAGE)
    assert coord("blur", "in.npy", "-o", "out.npy").returncode == 0
    facts = json.loads(Path("out.npy.json").read_text())
    Path("out.npy.json").write_text(json.dumps(facts | {"command": line}))
    assert coord("verify", "out.npy", "in.npy").returncode == 0
    wrong = np.load("out.npy")
    wrong[3, 4] += 1
    np.save("out.npy", wrong)
    assert coord("verify", "out.npy", "in.npy").returncode == 5


def test_a_fleet_verifies(two_workers: list[WorkerProcess]) -> None:
    """With `verify` the first wrong tile ends the call; a share beyond sense is refused."""
    with Fleet([worker.address for worker in two_workers], verify=0.5) as fleet:
        assert fleet.gaussian_filter(IMAGE, 1.5, tile=20).tobytes() == WANT.tobytes()
        assert fleet.run([("sobel", {})], IMAGE).tobytes() == ndimage.sobel(IMAGE).tobytes()
    with (
        worker_thread(one_off) as address,
        Fleet([address], verify=1.0) as liar,
        pytest.raises(VerifyError, match="is not SciPy's"),
    ):
        liar.gaussian_filter(IMAGE, 1.5)
    with pytest.raises(InputError, match="share"):
        Fleet(["127.0.0.1:1"], verify=2)
