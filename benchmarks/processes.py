"""Servers in processes of their own, on free ports of loopback, always stopped by process id."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

LISTENING = "listening on http://"
"""What each server prints, with its address, once it serves."""


@contextmanager
def running(module: str, *arguments: str, count: int = 1) -> Iterator[list[str]]:
    """Run a module so many times; yield the addresses, as ``127.0.0.1:8080``."""
    with ExitStack() as stack:
        command = [sys.executable, "-m", module, *arguments]
        started = [stack.enter_context(_process(command)) for _ in range(count)]
        yield [_address(process) for process in started]


def running_workers(count: int) -> AbstractContextManager[list[str]]:
    """Run tilefan's workers; see `running`."""
    return running("worker", "--host", "127.0.0.1", "--port", "0", count=count)


@contextmanager
def _process(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        yield process
    finally:
        process.terminate()
        process.communicate()


def _address(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(LISTENING):
            return line.removeprefix(LISTENING).strip()
    raise RuntimeError(f"{process.args!r} ended with exit code {process.wait()}")
