"""Runs that are killed as they commit: at the first call that touches files, the second, and so on.

Each is a process of its own, forked from one that has loaded all it needs but started no thread.
"""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from coordinator.report.artifacts import Artifacts
from coordinator.stores.partial import Growing
from coordinator.stores.place import Place
from coordinator.stores.storing import Storing
from coordinator.workflows.filter_file import filter_chain
from coordinator.workflows.run_options import RunOptions

CALLS = {
    "posix": {"mkdir", "rmdir", "rename", "replace", "link", "unlink", "chmod", "fchmod"},
    "io": {"open", "write", "__exit__"},
    "tensorstore": {"result"},
}
"""Functions and methods of C that change what is on a disk, or wait until it is changed."""

STRAY = (".a", ".k", ".~")
"""Files in an older output, which are not in the new one."""

MOST = 500
"""Calls of a commit; there are fewer."""

NUMBER = "NUMBER"
"""In the name of a target: at which call its run was killed."""


def kill_at(number: int) -> None:
    """End this process before so many of its calls from now on."""
    counter = itertools.count(1)

    def look(_: FrameType, event: str, called: Any) -> None:
        if event == "c_call" and is_change(called) and next(counter) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    threading.setprofile(look)
    sys.setprofile(look)


def is_change(called: Any) -> bool:
    """Tell whether a function or method of C is one of those."""
    owner = called.__module__ or type(called.__self__).__module__
    return called.__name__ in CALLS.get(owner.lstrip("_"), ())


def run(source: str, target: Path, options: Sequence[str], number: int) -> None:
    """Filter, and be killed as the output is committed; replace an older output if told so."""
    if not Place(target).remote:
        target.parent.mkdir(parents=True)
    storing = Storing(pyramid="pyramid" in options)
    if "overwrite" in options:
        filter_with(1.0, source, target, RunOptions(style="none", storing=storing))
        for name in STRAY:
            (target / name).touch()
    commit: Callable[[Growing], None] = Growing.commit

    def commit_and_die(sink: Growing) -> None:
        kill_at(number)
        commit(sink)

    Growing.commit = commit_and_die  # type: ignore[method-assign]
    artifacts = Artifacts(provenance=True)
    overwrite = "overwrite" in options
    ours = RunOptions(style="none", storing=storing, overwrite=overwrite, artifacts=artifacts)
    filter_with(1.5, source, target, ours)


def filter_with(sigma: float, source: str, target: Path, options: RunOptions) -> None:
    """Filter as the runs here do that are not killed."""
    filter_chain([("gaussian_filter", {"sigma": sigma})], Path(source), target, options)


def serve(source: str, target: str, *options: str) -> None:
    """Kill runs until one comes to its end; write how many were killed."""
    assert threading.active_count() == 1
    for number in range(1, MOST):
        if (child := os.fork()) == 0:
            run(source, Path(target.replace(NUMBER, str(number))), options, number)
            os._exit(0)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if status == 0:
            sys.stdout.write(str(number - 1))
            return
        assert status == -signal.SIGKILL, status
    raise AssertionError


def killed_runs(source: Path, target: str, *options: str) -> int:
    """Kill runs of a source into targets with `NUMBER` in their names; return how many."""
    command = [sys.executable, "-m", "tests.support.killed_commits", str(source), target, *options]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


if __name__ == "__main__":
    import coordinator.stores.zarr  # noqa: F401 -- loaded once, for all

    serve(*sys.argv[1:])
