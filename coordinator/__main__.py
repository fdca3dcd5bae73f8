"""The command `coord`, also as ``python -m coordinator``: what must hold before anything loads."""

from __future__ import annotations

import gc
import os
import signal
import sys

TYPE_CHECKING = False
"""See `coordinator`."""

if TYPE_CHECKING:
    from types import FrameType
    from typing import NoReturn


def main() -> None:
    """Run the command line."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _not_begun)
    open_streams()
    # Imports make many objects and no garbage: to look for it every 700 objects takes 20 ms.
    gc.set_threshold(100_000)
    from coordinator.cli.main import main

    main()


def open_streams() -> None:
    """Open what is closed of stdin, stdout and stderr, as the null device.

    The next file that is opened would otherwise get the number, and what is printed.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number
            setattr(sys, name, open(number, mode, closefd=False))  # noqa: SIM115


def _not_begun(number: int, _: FrameType | None) -> NoReturn:
    """End at once: nothing was begun."""
    os.write(2, b"coord: interrupted: nothing was written\n")
    os._exit(128 + number)


if __name__ == "__main__":
    main()
