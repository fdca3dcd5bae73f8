"""Ctrl-C at every call that opens, names or removes a file: what is left is what is said."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from coordinator.cli.exit import _interrupted
from coordinator.interruption import forget_written, let_in, note_written, put_off
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

MODULES = ("run/run.py", "run/output.py", "stores/partial.py", "workflows/filter_file.py")
"""Whose lines are tried."""


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Signals are handled as the commands do, and nothing is left of it."""
    before = [(each, signal.getsignal(each)) for each in (signal.SIGINT, signal.SIGTERM)]
    yield
    for number, handler in before:
        signal.signal(number, handler)


class AtCall:
    """Sends one signal to this process at the call of the test's choice, before or after it."""

    def __init__(self, at: int, *, after: bool) -> None:
        self.count = 0
        self._at = at
        self._after = after
        self._lock = threading.Lock()

    @contextmanager
    def watching(self) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as monkeypatch:
            for name in CALLS:
                monkeypatch.setattr(os, name, self._wrapped(getattr(os, name)))
            yield

    def _wrapped(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*arguments: Any, **keywords: Any) -> Any:
            with self._lock:  # files of a folder are synced by several threads
                self.count += 1
                now = self.count == self._at
            if now and not self._after:
                signal.raise_signal(signal.SIGINT)
            try:
                return call(*arguments, **keywords)
            finally:
                if now and self._after:
                    signal.raise_signal(signal.SIGINT)

        return wrapped


class AtLine:
    """Sends one signal to this process at a line of the modules that open and end outputs."""

    def __init__(self, at: int) -> None:
        self.count = 0
        self._at = at

    @contextmanager
    def watching(self) -> Iterator[None]:
        before = sys.gettrace()
        sys.settrace(self._called)
        try:
            yield
        finally:
            sys.settrace(before)

    def _called(self, frame: FrameType, _: str, __: Any) -> Any:
        return self._line if frame.f_code.co_filename.endswith(MODULES) else None

    def _line(self, _: FrameType, event: str, __: Any) -> Any:
        self.count += event == "line"
        if event == "line" and self.count == self._at:
            signal.raise_signal(signal.SIGINT)
        return self._line


def interrupted_run(
    folder: Path, library: Library, interrupter: AtCall | AtLine, *, overwrite: bool
) -> tuple[Workbench, str | None]:
    """Filter with an interruption; return what the user is told, None if it is lost."""
    forget_written()
    with pytest.MonkeyPatch.context() as monkeypatch:
        bench = Workbench(folder, monkeypatch, library)
        if overwrite:
            library.save(bench.target, OLD)
        signal.signal(signal.SIGINT, _interrupted)
        artifacts = Artifacts(report=bench.target.with_name("r.html"), provenance=True)
        said = None
        try:
            with interrupter.watching():
                bench.blur(artifacts=artifacts, overwrite=overwrite, tile=TILE)
        except KeyboardInterrupt as interrupt:
            said = "\n".join(getattr(interrupt, "__notes__", ()))
    return bench, said


def ended(bench: Workbench, said: str, *, overwrite: bool) -> str:
    """Check that what is left is what is said; return in a word what that is."""
    out = bench.target.name
    left = bench.left - {"r.html", f"{out}.json"}
    if "are kept" in said:
        assert left - {out} == bench.hidden
        with pytest.MonkeyPatch.context() as monkeypatch:
            monkeypatch.setattr(bench, "_monkeypatch", monkeypatch)
            bench.blur(overwrite=overwrite, resume=True, tile=TILE)
    elif "is written" in said:
        assert left == {out}
    else:
        assert (said, left) == ("", {out} if overwrite else set())
        assert not overwrite or np.array_equal(bench.result(), OLD)
        return "nothing"
    assert_same_bits(bench.result(), gaussian_filter(bench.input(), SIGMA))
    return "kept" if "are kept" in said else "written"


@pytest.mark.parametrize("library", parameters((NPY, CHUNKED, NIFTI_GZ)))
@pytest.mark.parametrize("overwrite", [False, True], ids=["", "overwrite"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_what_is_said_is_what_is_left(
    tmp_path_factory: pytest.TempPathFactory, library: Library, *, after: bool, overwrite: bool
) -> None:
    """Nothing, tiles to go on with, or the whole output; never a file that nobody mentions."""
    counted = AtCall(0, after=after)
    whole = tmp_path_factory.mktemp("whole")
    assert interrupted_run(whole, library, counted, overwrite=overwrite)[1] is None
    assert counted.count > 20
    seen = set()
    for at in range(1, counted.count + 1):
        folder, interrupter = tmp_path_factory.mktemp("cut"), AtCall(at, after=after)
        bench, said = interrupted_run(folder, library, interrupter, overwrite=overwrite)
        assert said is not None, at
        seen.add(ended(bench, said, overwrite=overwrite))
    assert seen == {"nothing", "kept", "written"}


def test_between_two_calls(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Also where no file is touched: an output that is open has an owner, at every line."""
    counted = AtLine(0)
    assert (
        interrupted_run(tmp_path_factory.mktemp("whole"), NPY, counted, overwrite=False)[1] is None
    )
    assert counted.count > 100
    seen = set()
    for at in range(1, counted.count):
        folder = tmp_path_factory.mktemp("cut")
        bench, said = interrupted_run(folder, NPY, AtLine(at), overwrite=False)
        assert said is not None, at
        seen.add(ended(bench, said, overwrite=False))
    assert seen == {"nothing", "kept", "written"}


def test_several_outputs() -> None:
    """Whoever interrupts the third of many inputs is told that two outputs are written."""
    forget_written()
    signal.signal(signal.SIGINT, _interrupted)
    note_written("a.npy")
    note_written("b.npy")
    with pytest.raises(KeyboardInterrupt) as caught:
        signal.raise_signal(signal.SIGINT)
    forget_written()
    said = "2 outputs are written, the last is b.npy; what belongs beside it may be missing"
    assert caught.value.__notes__ == [said]


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
