"""What newcomers write by mistake: each gets a sentence that says what to write instead."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from coordinator.cli.help import PANELS_FROM, wrap
from coordinator.cli.main import app
from coordinator.text import dtype_name
from tests.coordinator.cli.test_cli import contents

LINES = [["blur"], ["verify"], ["filter"], ["filter", "binary_erosion"], ["doctor"], ["demo"]]


def coord(line: str | list[str]) -> Result:
    """Run a command line in this process."""
    words = line if isinstance(line, list) else line.split()
    return CliRunner().invoke(app, words, prog_name="coord")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder to work in; commands leave no handlers of signals behind."""
    monkeypatch.chdir(tmp_path)
    for name in ("TILEFAN_HOSTS", "COORD_HOSTS"):
        monkeypatch.delenv(name, raising=False)
    rng = np.random.default_rng(1)
    arrays = {
        "in": rng.integers(0, 255, (12, 10)).astype("u1"),
        "rgb": rng.integers(0, 255, (12, 10, 3)).astype("u1"),
        "half": np.zeros((4, 4), "f2"),
        "records": np.zeros(3, "i4,f8"),
        "dates": np.zeros(3, "M8[s]"),
        "big": rng.random((4, 4)).astype(">f4"),
        "nan": np.array([[1.0, np.nan], [np.inf, 2.0]]),
    }
    for name, array in arrays.items():
        np.save(tmp_path / f"{name}.npy", array)
    (tmp_path / "p.toml").write_text('[[filters]]\nname = "gaussian_filter"\nsigma = 2\n')
    (tmp_path / "words.toml").write_text(
        '[[filters]]\nname = "laplace"\n[[filters]]\nname = "gaussian_filter"\nsigma = "2"\n'
    )
    (tmp_path / "empty.toml").touch()
    (tmp_path / "nameless.toml").write_text("[[filters]]\nsigma = 2\n")
    (tmp_path / "bare.toml").write_text("[[filters]]\nname = sobel\n")
    (tmp_path / "pic.gif").write_bytes(b"GIF89a" + bytes(60))
    (tmp_path / "empty.npy").touch()
    (tmp_path / "cut.npy").write_bytes((tmp_path / "in.npy").read_bytes()[:150])
    (tmp_path / "broken.npy").touch()
    (tmp_path / "broken.npy.json").touch()
    (tmp_path / "text.npy").write_text("hello\n" * 9)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield tmp_path
    for number, handler in handlers.items():
        signal.signal(number, handler)


MISTAKES: list[tuple[str | list[str], str]] = [
    ("blur pic.gif", "a GIF picture, not a .npy file"),
    ("blur pic.gif", "numpy.save('pic.npy', imageio.v3.imread('pic.gif'))"),
    ("blur empty.npy", "it is empty"),
    ("blur text.npy", "it is text"),
    ("blur records.npy", "records of several fields, not plain numbers; save one field"),
    ("blur dates.npy", "dates, not plain numbers; save them as numbers"),
    ("blur half.npy", "half.npy, 4x4 float16: array type float16 not supported"),
    ("blur ni.npy", "did you mean in.npy?"),
    ("blur in.npy --sigma 2,2,0", "in.npy, 12x10 uint8: sigma: 3 values for 2 axes"),
    ("blur in.npy --sigma 2,2,0", "one for each axis, such as [2.0, 2.0]"),
    ("blur in.npy --sigma 1e6", "a radius of 4,000,000 samples"),
    ("blur in.npy --sigma", "requires an argument"),
    ("blur in.npy --sigma 2;2", "numbers separated by commas, such as 2 or 2,2,0.5"),
    ("blur in.npy --radius 1,2,3", "radius: 3 values for 2 axes"),
    ("blur in.npy --axes 0 --sigma 1,2", "sigma: 2 values for 1 axis"),
    ("blur in.npy --axes 2", "the first is 0"),
    ("blur in.npy --mode REFLECT", "did you mean reflect?"),
    ("blur in.npy --dtype float16", "output dtype float16 not supported"),
    ("blur in.npy --dtype complex64", "output dtype complex64 not supported for a real array"),
    ("blur in.npy --max-memory 1KB", "do not suffice"),
    ("blur in.npy --max-memory lots", "such as 500MB or 2GiB"),
    ("blur in.npy --verify 200%", "at most 100%"),
    ("blur in.npy --dtype flaot32", "did you mean float32?"),
    ("blur in.npy -o=out.npy", "begins with =; write -o out.npy"),
    ("blur in.npy -o out.gif", "write -o out.npy"),
    ("blur in.npy --truncate nan", "truncate must be finite, not nan"),
    ("blur in.npy --sigma 2 --truncate -1", "truncate is -1.0, want 0 or more"),
    ("blur in.npy --truncate 1e300", "a radius of about 10^299 samples"),
    ("blur in.npy --tile 0", "--tile: '0': every axis needs at least one sample"),
    ("diff in.npy in.npy --tile 3,0", "--tile: '3,0': every axis needs at least one sample"),
    ("blur in.npy -o big.npy --tile 0", "every axis needs at least one sample"),
    ("blur in.npy -o big.npy --tile 2,2,2", "has 3 axes, the array has 2"),
    ("blur in.npy --max-memory 1KB", "MB; say --max-memory "),
    ("blur in.npy --dtype object", "not object; such as float32"),
    (["blur", "in.npy", "-o", ""], "name one, such as -o out.npy"),
    ("blur in.npy 2", "did you mean --sigma 2?"),
    ("median in.npy 3", "did you mean --size 3?"),
    ("filter percentile_filter in.npy --size 3 --percentile 101", "want 0 to 100"),
    ("filter percentile_filter in.npy --size 3", "Such as: coord filter percentile_filter in.npy"),
    ("filter convolve1d in.npy", "--weights weights.npy"),
    ("filter convolve1d in.npy --weights in.npy", "they have 2 axes, want one"),
    ("run p.tom in.npy", "did you mean p.toml?"),
    ("blur cut.npy", "22 follow: save or copy it again"),
    ("show broken.npy", "restore it, or make the output again"),
    ("blur in.npy out.npy", "the output has its option: -o out.npy"),
    ("blur in.npy a.npy b.npy", "Got 2 arguments too many: a.npy b.npy"),
    ("blur in.npy --report p.toml", "not what coord writes there"),
    ("blur in.npy --report in.npy", "reads or writes this file already"),
    ("blur in.npy --hosts none.toml", 'write the line hosts = ["node1:8080", "node2:8080"]'),
    ("blur in.npy --hosts node1", "did you mean the worker node1:8080?"),
    ("blur in.npy --hosts worbs.toml", "did you mean words.toml?"),
    (["blur", "in.npy", "--hosts", ""], "hosts: is empty; name hosts.toml, or addresses"),
    ("blur in.npy --by-reference require", "--by-reference: require (or TILEFAN_BY_REFERENCE)"),
    ("blur in.npy --by-reference require --dry-run", "none are named: add --hosts"),
    ("plan in.npy --by-reference require", "none are named: add --hosts"),
    ("blur in.npy node1:8080", "workers have their option: --hosts node1:8080"),
    ("doctor node1:8080 node2:8080", "--hosts node1:8080,node2:8080"),
    ("hosts node1:8080", "coord hosts --hosts node1:8080"),
    ("pair node1:8080,node2:8080 K7Q-3XW", "one at a time, each has a code of its own"),
    ("pair K7Q-3XW node1:8080", "the worker comes first: coord pair node1:8080 CODE"),
    ("median in.npy", "give size or footprint"),
    ("median in.npy --size 0", "a window has at least 1 sample"),
    ("median in.npy --size 2.5", "'2.5': want integers"),
    ("median in.npy --size 3,3,3", "size: 3 values for 2 axes"),
    ("median in.npy --size 3 --mode wrap,wrap", "not supported by this filter; give one"),
    ("median in.npy --footprint [1,1]", "give one with an axis for each, such as [[1, ...]]"),
    ("median in.npy --footprint [[1,1],[1]]", "not lists of numbers, each as long as the others"),
    ("sobel in.npy --axis 2", "the first axis is 0"),
    ("sobel in.npy --axis 0,1", "want one integer"),
    ("filter correlate1d in.npy --weights 1,2,1", "which has brackets: '[1,2,1]'"),
    ("filter correlate1d in.npy --weights " + 5000 * "[", "not lists of numbers"),
    ("filter binary_erosion in.npy --brute-force maybe", "neither 0 nor 1"),
    ("filter binary_erosion in.npy --border-value x", "--border-value"),
    ("filter uniform_filter in.npy --size 3 --origin 9", "from -1 to 1"),
    ("run in.npy p.toml", "the pipeline comes first: coord run p.toml in.npy"),
    ("run in.npy big.npy", "coord run PIPELINE.toml in.npy"),
    ("run empty.toml in.npy", 'name = "gaussian_filter"'),
    ("run nameless.toml in.npy", "filters 1: name is missing"),
    ("run bare.toml in.npy", 'stand in quotes, as in name = "sobel"'),
    ("run words.toml in.npy", "filter 2, gaussian_filter: sigma must be a real number"),
    ("show none.npy", "none.npy: no such file"),
    ("show in.npy", "nothing is known of it"),
    ("preview in.npy in.npy -o x.jpg", "write -o x.png"),
    ("gaussian in.npy", "did you mean blur?"),
    ("percentile in.npy", "did you mean filter percentile_filter?"),
    ("help", "did you mean --help?"),
    ("nonsense", "coord -h lists all"),
    ("in.npy", "such as coord blur in.npy"),
    ("filter in.npy", "such as coord filter median_filter in.npy"),
    ("filter median in.npy", "did you mean median_filter?"),
]


@pytest.mark.parametrize(("line", "words"), MISTAKES, ids=[f"{a}-{b[:12]}" for a, b in MISTAKES])
def test_a_mistake_gets_a_sentence(folder: Path, line: str | list[str], words: str) -> None:
    """Exit code 2, what is wrong and what would be right, once; nothing is written."""
    before = contents(folder)
    ended = coord(line)
    assert ended.exit_code == 2, ended.output
    assert ended.stderr.count(words) == 1, ended.stderr
    assert "Traceback" not in ended.output
    assert contents(folder) == before


@pytest.mark.usefixtures("folder")
def test_verify_with_its_arguments_exchanged() -> None:
    """The provenance of the second shows that it was made from the first."""
    assert coord("blur in.npy -q").exit_code == 0
    ended = coord("verify in.npy in.blur.npy -q")
    assert ended.exit_code == 2
    assert "the output comes first: coord verify in.blur.npy in.npy" in ended.stderr
    assert coord("verify in.blur.npy in.npy -q").exit_code == 0
    ended = coord("show in.blur.npy.json")
    assert (ended.exit_code, "name that file: in.blur.npy" in ended.stderr) == (2, True)
    assert "12x10 uint8" in coord("show in.blur.npy").stdout


NOTES = [
    ("sobel in.npy", "sobel: it goes along the last axis, as in SciPy; name another with --axis"),
    ("sobel rgb.npy", "if they are colours, the filter mixes them; give the axis with --axis 0"),
    ("blur rgb.npy", "sigma 0 or size 1 for the last"),
    ("blur nan.npy", "the input holds 1 NaN and 1 infinite samples: each can spoil up to 25"),
    ("blur in.npy --cval 5", "cval has no effect with mode reflect"),
    ("blur in.npy --sigma 100", "reads 400 samples to each side along axis 0, which has 12"),
    ("blur in.npy --seams", "--seams has no effect without --report"),
    ("blur in.npy --keep-going", "--keep-going has no effect without --hosts"),
    ("median in.npy --size 3 --footprint [[1,1]]", "size has no effect beside a footprint"),
]


@pytest.mark.parametrize(("line", "words"), NOTES, ids=[line for line, _ in NOTES])
def test_what_runs_but_surprises_gets_a_note(folder: Path, line: str, words: str) -> None:
    """Once, before the work; --no-notes is without, and the run is the same."""
    ended = coord(f"{line} -o {folder}/a.npy --progress none")
    assert (ended.exit_code, ended.stderr.count(words)) == (0, 1), ended.stderr
    ended = coord(f"{line} -o {folder}/b.npy --progress none --no-notes")
    assert (ended.exit_code, ended.stderr) == (0, "")
    assert (folder / "a.npy").read_bytes() == (folder / "b.npy").read_bytes()


SILENT = ["sobel in.npy --axis 0", "blur big.npy", "blur in.npy --cval 5 --mode constant"]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("line", SILENT)
def test_what_is_meant_gets_no_note(line: str) -> None:
    """Of this kind; one on dtypes may stand."""
    said = coord(f"{line} -o out.npy --progress none").stderr
    assert not any(words in said for words in ("--axis", "NaN", "cval", "reads"))


@pytest.mark.usefixtures("folder")
def test_dtypes_have_numpys_names() -> None:
    """Wherever they are shown, and with their byte order if that is not the usual one."""
    assert coord("blur big.npy -q --provenance --dtype >f4").exit_code == 0
    for line in ("show big.blur.npy", "diff big.npy big.npy", "plan big.npy"):
        shown = coord(line).stdout
        assert "float32 (big-endian)" in shown
        assert "4 >f4" not in shown
    assert dtype_name("<c16") == "complex128"
    assert dtype_name("\x1b[31m") == "?[31m"


@pytest.mark.parametrize("columns", [80, 40])
@pytest.mark.parametrize("line", [[], *LINES], ids=" ".join)
def test_no_help_breaks_a_word(
    line: list[str], columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every word of a wide help is in a narrow one, which has panels if they fit."""
    words = []
    for width in (400, columns):
        monkeypatch.setenv("COLUMNS", str(width))
        monkeypatch.setenv("TERMINAL_WIDTH", str(width))
        monkeypatch.setattr("typer.rich_utils.MAX_WIDTH", width)
        shown = coord([*line, "-h"]).stdout
        assert ("╭" in shown) == (width >= PANELS_FROM)
        panels = [row for row in shown.splitlines() if "─" not in row]
        words.append({word.strip("│,;[]") for word in " ".join(panels).split()})
    wide, narrow = words
    assert {word for word in wide if word.isalpha()} <= narrow
    assert not any(word.endswith("…") for word in narrow)


def test_long_words_go_over_the_edge() -> None:
    """A path is copied as one piece."""
    path = "/data/a/very/long/path/of/an-array.npy"
    assert wrap(f"wrote {path} in 1 s", 20) == ["wrote", path, "in 1 s"]
