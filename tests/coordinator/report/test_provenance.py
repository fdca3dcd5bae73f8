"""Provenance is read back as it was written, is bounded, and believes nothing."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.cli import render_provenance
from coordinator.report import provenance
from coordinator.report.preview import GAP, SEAM, preview
from coordinator.report.provenance import FileMark, Provenance, runs_of
from coordinator.stores.memory import ArraySource
from tiling.geometry.grid import Grid

KNOWN = Provenance(
    "coord blur 'a b.npy'", "gaussian_filter", "0" * 64, FileMark("in", "<i4", 9, "d"),
    FileMark("out", "<i4", 9, "e"), (4, 4), (2, 4), ((1, 1), (1, 0)), {"w": {"kernel": "k"}},
    (("w", 1), ("", 1)), 0, {"numpy": "2"}, "2026", 1.5, 1, 2, ("careful",),
    {"w": {"int32-int32-wrap": "0123"}}, expected_s=1.25, mask=FileMark("m", "|b1", 9, "f"),
    stages=({"v": 3}, {"w": 1}),
)  # fmt: skip


def test_round_trip() -> None:
    """What is read is what was written."""
    assert Provenance.decode(KNOWN.encode()) == KNOWN


def test_what_was_expected() -> None:
    """It stands beside what the run took; a file that does not know it is read too."""
    (when,) = (line for line in render_provenance.lines(KNOWN, intact=True) if "  when" in line)
    assert when.endswith("in 1.5 s; 1.2 s expected")
    older = json.loads(KNOWN.encode())
    del older["expected_s"]
    assert Provenance.decode(json.dumps(older)) == replace(KNOWN, expected_s=None)


@pytest.mark.parametrize("word", ["@", '"@"', "\n", "makers", "}"])
def test_any_text_is_read_back(word: str) -> None:
    """Names of files, workers and versions are others' text, whatever the file's form."""
    known = replace(
        KNOWN,
        command=f"coord blur {word}",
        input=replace(KNOWN.input, path=word),
        workers={word: {"version": word}},
        makers=((word, 2),),
        warnings=(word,),
    )
    assert Provenance.decode(known.encode()) == known


def test_runs_of_tiles_take_a_line_each() -> None:
    """The file stays short enough to be read by people, and is plain JSON."""
    text = KNOWN.encode()
    assert '\n    ["w", 1],\n    ["", 1]\n  ]\n}' in text
    assert json.loads(text)["makers"] == [["w", 1], ["", 1]]
    assert replace(KNOWN, makers=()).encode().endswith('\n  "makers": []\n}')


HOSTILE = [
    *(
        None,
        True,
        -1,
        10**400,
        float("nan"),
        float("inf"),
        "x",
        "\x1b[2J\x07",
        [],
        [[]],
        {},
        [1, "a"],
    ),
    *({"\x1b[2J": "\x1b[2J"}, {"a": {"b": {"c": 1}}}, {"a": [1]}, [{"a": 1}], [["a", 10**400]]),
    *([["a"]], [[1], [2]], [0, 0], [True, True], {"path": 1}, {"path": "", "dtype": 5}),
]


@given(st.sampled_from(sorted(json.loads(KNOWN.encode()))), st.sampled_from(HOSTILE))
def test_damaged(key: str, value: object) -> None:
    """A field of another kind is a ValueError, or it can be shown and used."""
    said = {**json.loads(KNOWN.encode()), key: value}
    try:
        known = Provenance.decode(json.dumps(said))
    except ValueError:
        return
    Grid(known.shape, known.tile)
    for line in render_provenance.lines(known, intact=True):
        assert line.isprintable()


@given(st.dictionaries(st.integers(0, 30), st.sampled_from("abc")))
def test_runs(makers: dict[int, str]) -> None:
    """The runs say of each tile who made it."""
    runs, unlisted = runs_of(makers, 31)
    spelt = [worker for worker, number in runs for _ in range(number)]
    assert spelt == [makers.get(tile, "") for tile in range(31)]
    assert not unlisted


def test_runs_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Past the bound tiles are counted only."""
    monkeypatch.setattr(provenance, "MAX_RUNS", 3)
    assert runs_of({i: "ab"[i % 2] for i in range(10)}, 10) == ((("a", 1), ("b", 1), ("a", 1)), 7)


def test_preview_marks_seams() -> None:
    """Three panels with a gap, and the seam where a tile begins."""
    a = np.zeros((8, 10))
    pixels = preview(ArraySource(a), ArraySource(a + 1), Grid((8, 10), (4, 5)))
    assert pixels.shape == (8, 3 * 10 + 2 * GAP, 3)
    assert tuple(pixels[4, 0]) == tuple(pixels[0, 5]) == SEAM
    assert tuple(pixels[0, 0]) == (0, 0, 0)
    assert tuple(pixels[0, 10 + GAP]) == (255, 255, 255)
