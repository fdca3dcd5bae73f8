"""The ends of commands: each that is expected has its sentence on stderr and its exit code."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import FrameType
from typing import NoReturn

import typer

from coordinator.cli.fold import echo
from coordinator.errors import ExitCode, InputError, TileFailedError, TilefanError, TrustWarning
from coordinator.interruption import forget_written, interrupt

DEBUG = ContextVar("DEBUG", default=False)
"""Whether errors are shown with their traceback."""


@contextmanager
def exit_codes() -> Iterator[None]:
    """Turn every expected end of a command into its sentence and exit code.

    Raises
    ------
    typer.Exit
        With the exit code of the error that ended the command.
    """
    _answer_signals(_interrupted)
    forget_written()
    try:
        from tiling.errors import TilingError

        try:
            yield
        except TilingError as error:
            raise InputError(str(error)) from error
        finally:  # what follows is telling how it ended
            _answer_signals(_at_once)
    except TilefanError as error:
        show_traceback()
        if DEBUG.get() and isinstance(error, TileFailedError):
            for line in error.story:
                say(line)
        fail(with_notes(str(error), error), error.exit_code)
    except KeyboardInterrupt as error:
        code = ExitCode.TERMINATED if error.args == (signal.SIGTERM,) else ExitCode.INTERRUPTED
        kept = getattr(error, "__notes__", ())
        fail(with_notes("interrupted" if kept else "interrupted: nothing was written", error), code)
    except (typer.Exit, typer.TyperException, OSError):  # the last of stdout: others are translated
        raise
    except MemoryError as error:
        show_traceback()
        fail(with_notes("not enough memory on this machine", error), InputError.exit_code)
    except Exception as error:
        show_traceback()
        what = f"{type(error).__name__}: {error}"
        fail(
            f"a fault of coord itself: {what}; coord --debug ... shows where",
            TilefanError.exit_code,
        )


def show_traceback() -> None:
    """Print where the error at hand came from, if that is wanted."""
    if DEBUG.get():
        import traceback

        traceback.print_exc()


def say(message: str) -> None:
    """Print one sentence on stderr."""
    echo(f"coord: {message}", err=True)


def say_link(link: str) -> None:
    """Print the link of a live page on stderr, in one piece however narrow the terminal is."""
    typer.echo(f"live page: {link}", err=True)


def fail(message: str, code: int) -> NoReturn:
    """Print one sentence on stderr and exit.

    Raises
    ------
    typer.Exit
        Always.
    """
    say(message)
    raise typer.Exit(code)


def show_warning(message: Warning | str, *_: object, **__: object) -> None:
    """Print a warning as a sentence, without the place in our code.

    That of clear text is printed once for the same hosts, by whichever commands.
    """
    if isinstance(message, TrustWarning) and not _first_time(message.hosts):
        return
    echo(f"coord: warning: {message}", err=True)


def _first_time(hosts: tuple[str, ...]) -> bool:
    """Tell whether no command of this user was here with these hosts; leave a mark."""
    import hashlib

    import platformdirs

    name = hashlib.sha256("\n".join(sorted(hosts)).encode()).hexdigest()[:32]
    folder = platformdirs.user_cache_path("tilefan") / "warned-of-clear-text"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).touch(exist_ok=False)
    except FileExistsError:
        return False
    except OSError:  # nowhere to remember it
        pass
    return True


def with_notes(message: str, error: BaseException) -> str:
    """Return a message with what was noted on its error: how to go on, on lines of its own."""
    return "\n".join((message, *getattr(error, "__notes__", ())))


def _answer_signals(answer: Callable[[int, FrameType | None], None]) -> None:
    """Have Ctrl-C and SIGTERM answered by this function from now on."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, answer)


def _interrupted(number: int, _: FrameType | None) -> None:
    """Let the first signal end the run in good order; the next one ends it at once.

    That is safe at any moment: what is on the disk is always fit to be resumed.
    """
    _answer_signals(_at_once)
    interrupt(KeyboardInterrupt(signal.Signals(number)))


def _at_once(number: int, _: FrameType | None) -> NoReturn:
    if sys.stderr.isatty():
        os.write(2, b"\r\n\x1b[?25h")  # give the cursor back
    os._exit(128 + number)
