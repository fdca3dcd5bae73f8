"""Ctrl-C at every call that opens, names or removes a file: what is left is what is said."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from coordinator.cli.exit import _interrupted
from coordinator.interruption import let_in, put_off
from coordinator.report.artifacts import Artifacts
from tests.coordinator.run.cut_short import SIGMA, Workbench
from tests.support.equality import assert_same_bits
from tests.support.formats import NIFTI_GZ, NPY, ZARR, Library, parameters, save_zarr

OLD = np.ones((2, 3))
TILE = (20, 7)
CHUNKED = replace(ZARR, save=lambda path, array: save_zarr(path, array, TILE))

CALLS = (
    "open",
    "close",
    "link",
    "replace",
    "rename",
    "unlink",
    "write",
    "pwrite",
    "fsync",
    "fdatasync",
    "fchmod",
    "ftruncate",
    "posix_fallocate",
    "mkdir",
    "rmdir",
    "chmod",
)
"""Functions of `os` at which a signal comes."""


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Signals are handled as the commands do, and nothing is left of it."""
    before = [(each, signal.getsignal(each)) for each in (signal.SIGINT, signal.SIGTERM)]
    yield
    for number, handler in before:
        signal.signal(number, handler)


class Interrupter:
    """Sends one signal to this process at the call of the test's choice, before or after it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, at: int, *, after: bool) -> None:
        self.calls = 0
        self._at = at
        self._after = after
        self._lock = threading.Lock()
        for name in CALLS:
            monkeypatch.setattr(os, name, self._wrapped(getattr(os, name)))

    def _wrapped(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*arguments: Any, **keywords: Any) -> Any:
            with self._lock:  # files of a folder are synced by several threads
                self.calls += 1
                now = self.calls == self._at
            if now and not self._after:
                signal.raise_signal(signal.SIGINT)
            try:
                return call(*arguments, **keywords)
            finally:
                if now and self._after:
                    signal.raise_signal(signal.SIGINT)

        return wrapped


def interrupted_run(
    folder: Path, library: Library, at: int, *, after: bool, overwrite: bool
) -> tuple[Workbench, Interrupter, str | None]:
    """Filter with an interruption at a call; return what the user is told, None if it is lost."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        bench = Workbench(folder, monkeypatch, library)
        if overwrite:
            library.save(bench.target, OLD)
        signal.signal(signal.SIGINT, _interrupted)
        interrupter = Interrupter(monkeypatch, at, after=after)
        artifacts = Artifacts(report=bench.target.with_name("r.html"), provenance=True)
        said = None
        try:
            bench.blur(artifacts=artifacts, overwrite=overwrite, tile=TILE)
        except KeyboardInterrupt as interrupt:
            said = "\n".join(getattr(interrupt, "__notes__", ()))
    return bench, interrupter, said


@pytest.mark.parametrize("library", parameters((NPY, CHUNKED, NIFTI_GZ)))
@pytest.mark.parametrize("overwrite", [False, True], ids=["", "overwrite"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_what_is_said_is_what_is_left(
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    library: Library,
    *,
    after: bool,
    overwrite: bool,
) -> None:
    """Nothing, tiles to go on with, or the whole output; never a file that nobody mentions."""
    _, counted, said = interrupted_run(
        tmp_path_factory.mktemp("whole"), library, 0, after=after, overwrite=overwrite
    )
    assert said is None
    assert counted.calls > 20
    seen = set()
    for at in range(1, counted.calls + 1):
        bench, _, said = interrupted_run(
            tmp_path_factory.mktemp("cut"), library, at, after=after, overwrite=overwrite
        )
        assert said is not None, at
        out = bench.target.name
        left = bench.left - {"r.html", f"{out}.json"}
        if "are kept" in said:
            seen.add("kept")
            assert left - {out} == {bench.partial.name, bench.journal.name}, at
            with monkeypatch.context() as patched:
                patched.setattr(bench, "_monkeypatch", patched)
                bench.blur(overwrite=overwrite, resume=True, tile=TILE)
        elif "is written" in said:
            seen.add("written")
            assert left == {out}, at
        else:
            seen.add("nothing")
            assert (said, left) == ("", {out} if overwrite else set()), at
            assert not overwrite or np.array_equal(bench.result(), OLD), at
            continue
        assert_same_bits(bench.result(), gaussian_filter(bench.input(), SIGMA))
    assert seen == {"nothing", "kept", "written"}


@pytest.mark.parametrize("overwrite", [False, True])
def test_killed_between_its_two_names(tmp_path: Path, *, overwrite: bool) -> None:
    """The output is whole; the hidden name is no reason to refuse the next run."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        bench = Workbench(tmp_path, monkeypatch)
        bench.blur()
        bench.partial.hardlink_to(bench.target)
        bench.journal.write_bytes(b"of the same run")
        if overwrite:
            bench.blur(overwrite=True)
        else:
            with pytest.raises(Exception, match="exists; replace it"):
                bench.blur(resume=True)
    assert bench.left == {"out.npy"}
    assert_same_bits(np.load(bench.target), gaussian_filter(np.load(bench.source), SIGMA))


def test_moments_within_moments() -> None:
    """An interruption waits for the end of the outermost; `let_in` is an end too."""
    signal.signal(signal.SIGINT, _interrupted)
    steps = []

    def nested() -> None:
        with put_off():
            with put_off():
                signal.raise_signal(signal.SIGINT)
            steps.append("inner")

    def asking() -> None:
        with put_off():
            signal.raise_signal(signal.SIGINT)
            steps.append("asked")
            let_in()
            steps.append("not reached")

    for step in (nested, asking):
        signal.signal(signal.SIGINT, _interrupted)
        with pytest.raises(KeyboardInterrupt):
            step()
    assert steps == ["inner", "asked"]
