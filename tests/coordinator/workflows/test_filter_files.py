"""Several inputs with one command: each as if it were the only one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from tests.coordinator.cli.test_cli import coord
from tests.support.equality import assert_same_bits

ARRAYS = {f"in{i}.npy": np.random.default_rng(i).random((30, 20 + i)) for i in range(3)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, array in ARRAYS.items():
        np.save(tmp_path / name, array)
    return tmp_path


def test_each_output_has_its_inputs_name(folder: Path) -> None:
    """In a folder that is made; options may stand between the inputs."""
    done = coord(
        folder, "blur", "in0.npy", "in1.npy", "--sigma", "2", "in2.npy", "--out-dir", "out"
    )
    assert (done.returncode, done.stdout) == (0, "")
    for name, array in ARRAYS.items():
        assert_same_bits(np.load(folder / "out" / name), gaussian_filter(array, 2))
    assert {path.name for path in (folder / "out").iterdir()} == {
        name + more for name in ARRAYS for more in ("", ".json")
    }


def test_one_that_fails_does_not_end_the_others(folder: Path) -> None:
    """Each failure is told when it happens and at the end; the exit code is the first one's."""
    (folder / "in1.npy").write_text("no array")
    names = (*ARRAYS, "none.npy")
    done = coord(folder, "blur", *names, "--out-dir", "out", "-q")
    assert done.returncode == 2
    assert "coord: 2 of 4 inputs failed: in1.npy, none.npy\n" in done.stderr
    assert "none.npy failed: none.npy: no such file" in done.stderr
    assert {path.name for path in (folder / "out").glob("*.npy")} == {"in0.npy", "in2.npy"}


def test_what_is_there_is_not_done_again(folder: Path) -> None:
    """With --resume finished outputs stay; without, they are in the way."""
    assert coord(folder, "blur", "in0.npy", "--out-dir", "out").returncode == 0
    before = (folder / "out" / "in0.npy").stat()
    assert coord(folder, "blur", *ARRAYS, "--out-dir", "out").returncode == 2
    done = coord(folder, "blur", *ARRAYS, "--out-dir", "out", "--resume")
    assert (done.returncode, "in0.npy: is there already" in done.stderr) == (0, True)
    assert (folder / "out" / "in0.npy").stat() == before


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("in0.npy in1.npy", "the output has its option: -o in1.npy"),
        ("in0.npy in0.npy --out-dir out", "two inputs would be written there"),
        ("in0.npy --out-dir out -o x.npy", "--output names one file"),
        ("in0.npy in1.npy --out-dir out --report x.html", "--report names one file"),
        ("in0.npy in1.npy --out-dir .", "the output is the input"),
    ],
)
def test_lines_that_are_refused(folder: Path, line: str, words: str) -> None:
    """Nothing is written over an input, and nothing under one name twice."""
    done = coord(folder, "blur", *line.split())
    assert (done.returncode, words in " ".join(done.stderr.split())) == (2, True), done.stderr
    assert {path.name for path in folder.glob("*.npy")} == ARRAYS.keys()


def test_a_name_with_the_mark_is_one_name(folder: Path) -> None:
    """Its output has that name too, beside it and in a folder, and so has its provenance."""
    for name in ("we::a.npy", "we::b.npy"):
        np.save(folder / name, ARRAYS["in0.npy"])
    done = coord(folder, "blur", "we::a.npy", "--sigma", "2", "--provenance")
    assert done.returncode == 0, done.stderr
    made = folder / "we::a.blur.npy"
    assert_same_bits(np.load(made), gaussian_filter(ARRAYS["in0.npy"], 2))
    assert made.with_name(f"{made.name}.json").exists()
    done = coord(folder, "blur", "we::a.npy", "we::b.npy", "--out-dir", "out")
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (folder / "out").glob("*.npy")} == {"we::a.npy", "we::b.npy"}
    assert not (folder / "we").exists()


def test_a_folder_of_a_bucket(folder: Path) -> None:
    """Nothing of its name is made here."""
    done = coord(folder, "blur", "in0.npy", "--out-dir", "s3://bucket/out")
    assert (done.returncode, "a folder of this machine is wanted" in done.stderr) == (2, True)
    assert not (folder / "s3:").exists()
