"""Power or process end at any call of a run: the output is not there, the old one, or whole."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from scipy.ndimage import gaussian_filter

from coordinator.report.artifacts import Artifacts
from coordinator.report.provenance import Provenance
from tests.coordinator.run.cut_short import SIGMA, Workbench
from tests.support.equality import assert_same_bits
from tests.support.formats import NIFTI_GZ, NPY, ZARR, Array, Library, parameters, save_zarr
from tests.support.power_cut import Tree, lay, left_at_the_end, left_by_cuts
from tests.support.recording_disk import Change, changes, recording_disk

TILE = (30, 7)
CHUNKED = replace(ZARR, save=lambda path, array: save_zarr(path, array, TILE))
ASKED = {"sigma": 1.0}
"""Of the older output."""

each_kind = pytest.mark.parametrize("library", parameters((NPY, CHUNKED, NIFTI_GZ)))


def recorded(bench: Workbench, *, overwrite: bool, sync: bool) -> tuple[list[Change], int]:
    """Filter on a disk that records; return what it did, and what of that was before the run."""
    log = bench.source.with_name("log")
    with recording_disk(bench.target.parent, log):
        if overwrite:
            bench.blur(tile=TILE, parameters=ASKED)
        before = len(changes(log))
        artifacts = Artifacts(provenance=True)
        bench.blur(tile=TILE, overwrite=overwrite, sync=sync, artifacts=artifacts)
    return changes(log), before


@pytest.fixture
def bench(tmp_path: Path, library: Library, monkeypatch: pytest.MonkeyPatch) -> Workbench:
    return Workbench(tmp_path, monkeypatch, library)


@pytest.fixture
def laid(
    bench: Workbench, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Laid:
    return Laid(bench, tmp_path_factory, monkeypatch)


class Laid:
    """Makes folders of what was left, each with the input."""

    def __init__(
        self,
        bench: Workbench,
        factory: pytest.TempPathFactory,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        self._bench, self._factory, self._monkeypatch = bench, factory, monkeypatch

    def __call__(self, tree: Tree) -> Workbench:
        bench = Workbench(self._factory.mktemp("cut"), self._monkeypatch, self._bench.library)
        if self._bench.source.is_dir():
            shutil.rmtree(bench.source)
            shutil.copytree(self._bench.source, bench.source)
        else:
            shutil.copy2(self._bench.source, bench.source)
        lay(tree, bench.target.parent)
        return bench


def is_one_of(bench: Workbench, *wanted: Array) -> bool:
    """Tell whether the output is one of these arrays."""
    try:
        got = bench.result()
    except Exception:  # of any library
        return False
    return any((got.shape, got.tobytes()) == (want.shape, want.tobytes()) for want in wanted)


@each_kind
@pytest.mark.parametrize("overwrite", [False, True], ids=["", "overwrite"])
def test_a_power_cut_at_any_call(bench: Workbench, laid: Laid, *, overwrite: bool) -> None:
    """Nothing, the old output or the whole new one is there; a later run goes on from it."""
    log, before = recorded(bench, overwrite=overwrite, sync=True)
    old, want = (gaussian_filter(bench.input(), sigma) for sigma in (ASKED["sigma"], SIGMA))
    seen = set()
    for tree in left_by_cuts(log, before):
        cut = laid(tree)
        there = cut.target.exists()
        assert not there or is_one_of(cut, old, want), sorted(tree)
        whole = there and is_one_of(cut, want)
        seen.add("whole" if whole else "old" if there else "nothing")
        told = cut.target.with_name(f"{cut.target.name}.json")
        assert not told.exists() or Provenance.decode(told.read_text())
        cut.blur(tile=TILE, overwrite=overwrite or whole, resume=True)
        assert_same_bits(cut.result(), want)
        # One that ends while it writes what belongs beside an output leaves a hidden file of that.
        assert {name for name in cut.left if told.name not in name} == {cut.target.name}
    assert seen == {"old" if overwrite else "nothing", "whole"}
    for tree in left_at_the_end(log):
        assert is_one_of(laid(tree), want)


@each_kind
def test_without_waiting_for_the_disk(bench: Workbench, laid: Laid) -> None:
    """With `--no-sync` a cut may leave what looks like the output: this disk does lose things."""
    log, before = recorded(bench, overwrite=False, sync=False)
    want = gaussian_filter(bench.input(), SIGMA)
    cuts = map(laid, left_by_cuts(log, before))
    assert any(cut.target.exists() and not is_one_of(cut, want) for cut in cuts)
