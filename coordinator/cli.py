"""The command `coord`: parses, opens source and sink, and ends with the documented exit code.

Heavy imports (NumPy, aiohttp, rich) wait until a command needs them, so that help is quick.
"""

from __future__ import annotations

import os
import shlex
import signal
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import typer

from coordinator.errors import InputError, TilefanError
from coordinator.progress import Style
from tiling.token import FILE_VARIABLE

app = typer.Typer(
    name="coord",
    help="Filter arrays on many machines, bit for bit as scipy.ndimage does on one.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=True,
)

INTERRUPTED, TERMINATED = 130, 143

Hosts = Annotated[
    Path | None,
    typer.Option(
        "--hosts",
        envvar="COORD_HOSTS",
        metavar="FILE",
        help="hosts.toml with the workers to use; without it, this machine's cores.",
    ),
]
TokenFile = Annotated[
    Path | None,
    typer.Option(
        "--token-file",
        envvar=FILE_VARIABLE,
        metavar="FILE",
        help="File with the fleet's token; that in your configuration folder unless given.",
    ),
]
Overwrite = Annotated[
    bool,
    typer.Option("--overwrite", help="Replace the output, and what an unfinished run left of it."),
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Go on with an unfinished run of the same command.")
]
KeepGoing = Annotated[
    bool,
    typer.Option("--keep-going", help="With --hosts: when a tile fails everywhere, do the rest."),
]
Notes = Annotated[
    bool,
    typer.Option("--notes/--no-notes", help="Say beforehand what may surprise."),
]
Sigma = Annotated[str, typer.Option(help="Standard deviation in samples, or one per axis.")]
Order = Annotated[str, typer.Option(help="Derivative, or one per axis; 0 smooths.")]
Mode = Annotated[
    str, typer.Option(help="Edge mode, or one per axis: reflect mirror nearest constant wrap.")
]
Cval = Annotated[str, typer.Option(help="Fill value of mode constant.")]
Truncate = Annotated[float, typer.Option(help="Radius of the filter, in sigmas.")]
Radius = Annotated[
    str | None, typer.Option(help="Radius in samples, or one per axis; overrides --truncate.")
]
Axes = Annotated[str | None, typer.Option(help="Axes to filter; all unless given.")]
Dtype = Annotated[
    str | None, typer.Option(help="Of the output, such as float32; the input's unless given.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]
Progress = Annotated[Style, typer.Option(help="How to show the run.")]


@app.command()
def blur(
    source: Annotated[Path, typer.Argument(metavar="INPUT", help="A .npy file of numbers.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Where to write; INPUT.blur.npy unless given."),
    ] = None,
    sigma: Sigma = "0.5",
    order: Order = "0",
    mode: Mode = "reflect",
    cval: Cval = "0",
    truncate: Truncate = 4.0,
    radius: Radius = None,
    axes: Axes = None,
    dtype: Dtype = None,
    hosts: Hosts = None,
    token_file: TokenFile = None,
    tile: Annotated[
        str | None,
        typer.Option(help="Shape of the piece each tile owns: one size, or one per axis."),
    ] = None,
    overwrite: Overwrite = False,
    resume: Resume = False,
    keep_going: KeepGoing = False,
    verify: Annotated[
        str | None,
        typer.Option(metavar="SHARE", help="Check so many tiles with SciPy here, such as 2%."),
    ] = None,
    progress: Progress = "auto",
    quiet: Quiet = False,
) -> None:
    """Blur a .npy file as scipy.ndimage.gaussian_filter does; options are its parameters.

    Example: coord blur in.npy --sigma 2,2,0 --mode wrap --hosts hosts.toml
    """
    parameters = gaussian(sigma, order, mode, cval, truncate, radius, axes, dtype)
    fraction = share(verify, "--verify") if verify else None
    with exit_codes():
        from coordinator.files import filter_file
        from coordinator.verify import Sampling

        target = output or source.parent / f"{source.stem}.blur.npy"
        filter_file(
            "gaussian_filter",
            source,
            target,
            parameters,
            hosts=hosts,
            token_file=token_file,
            tile=numbers(tile, int, "--tile") if tile else None,
            overwrite=overwrite,
            resume=resume,
            keep_going=keep_going,
            sampling=Sampling(fraction) if fraction else None,
            style="none" if quiet else progress,
            say=(lambda _: None) if quiet else say,
            again=resume_line(sys.argv),
        )


@app.command()
def demo(
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes to start.")] = 2,
    quiet: Quiet = False,
) -> None:
    """Show it all on this machine: real workers, a real array, and SciPy's own bits.

    Starts worker processes on loopback, blurs a 1024x768x3 int32 array through them, compares with
    SciPy, prints a table and stops the workers. Exits with 5 if a single bit differs.
    """
    with exit_codes():
        from coordinator.demo import run_demo

        run_demo(workers, quiet=quiet)


@app.command()
def doctor(
    hosts: Annotated[
        Path, typer.Option("--hosts", envvar="COORD_HOSTS", metavar="FILE", help="hosts.toml.")
    ],
    token_file: TokenFile = None,
) -> None:
    """Examine every worker of a hosts.toml: is it reached, trusted, right, and how fast.

    Prints a table, and for each worker that can't be used what to do about it. Exits with 0 if
    there is one to work with, with 6 if tokens or certificates are in the way, or else with 3.
    """
    with exit_codes():
        from coordinator.config import load_hosts
        from coordinator.credential import find_credential, warn_of_clear_text
        from coordinator.doctor import run_doctor

        config, credential = load_hosts(hosts), find_credential(token_file)
        warn_of_clear_text(config, credential)
        run_doctor(config, credential)


@app.command()
def verify(
    result: Annotated[Path, typer.Argument(metavar="OUTPUT", help="The .npy file to check.")],
    source: Annotated[Path, typer.Argument(metavar="INPUT", help="What it was made from.")],
    sigma: Sigma = "0.5",
    order: Order = "0",
    mode: Mode = "reflect",
    cval: Cval = "0",
    truncate: Truncate = 4.0,
    radius: Radius = None,
    axes: Axes = None,
    dtype: Dtype = None,
    sample: Annotated[
        str, typer.Option(metavar="SHARE", help="How much to check, such as 2% or 0.02.")
    ] = "100%",
    progress: Progress = "auto",
    quiet: Quiet = False,
) -> None:
    """Check a file that `coord blur` wrote, with SciPy on this machine; same parameters, please.

    Exits with 5 if a bit differs, and names the first one.
    """
    parameters = gaussian(sigma, order, mode, cval, truncate, radius, axes, dtype)
    fraction = share(sample, "--sample")
    with exit_codes():
        from coordinator.audit import verify_file
        from coordinator.verify import Sampling

        style = "none" if quiet else progress
        verify_file(
            "gaussian_filter", result, source, parameters, sampling=Sampling(fraction), style=style
        )


def gaussian(
    sigma: str,
    order: str,
    mode: str,
    cval: str,
    truncate: float,
    radius: str | None,
    axes: str | None,
    dtype: str | None,
) -> dict[str, object]:
    """Parse the parameters of `scipy.ndimage.gaussian_filter`."""
    return {
        "sigma": numbers(sigma, float, "--sigma"),
        "order": numbers(order, int, "--order"),
        "mode": modes(mode),
        "cval": number(cval, "--cval"),
        "truncate": truncate,
        "radius": numbers(radius, int, "--radius") if radius else None,
        "axes": numbers(axes, int, "--axes") if axes else None,
        "output": dtype,
    }


def share(text: str, option: str) -> float:
    """Parse ``2%`` or ``0.02``: a share of the tiles, more than none."""
    digits, percent = text.removesuffix("%"), text.endswith("%")
    try:
        value = float(digits) / (100 if percent else 1)
    except ValueError:
        value = 0.0
    if not 0 < value <= 1:
        raise typer.BadParameter(f"{text!r}: a share such as 2% or 0.02", param_hint=option)
    return value


def numbers(text: str, kind: type[int] | type[float], option: str) -> float | list[float]:
    """Parse ``2`` or ``2,2,0``: one number for all axes, or one per axis."""
    try:
        values = [kind(part) for part in text.split(",")]
    except ValueError:
        what = "integers" if kind is int else "numbers"
        raise typer.BadParameter(
            f"{text!r}: {what} separated by commas, please", param_hint=option
        ) from None
    return values[0] if "," not in text else values


def number(text: str, option: str) -> complex:
    """Parse a number that may be complex, such as ``1+2j``."""
    try:
        value = complex(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a number", param_hint=option) from None
    return value if value.imag else value.real


def modes(text: str) -> str | list[str]:
    """Parse ``reflect`` or ``wrap,reflect``, with a suggestion for a misspelt one."""
    import difflib

    from tiling.edges import MODES

    names = text.split(",")
    for name in names:
        if name not in MODES:
            close = difflib.get_close_matches(name, MODES, 1)
            hint = f"did you mean {close[0]}?" if close else f"one of {', '.join(MODES)}"
            raise typer.BadParameter(f"{name!r} is no edge mode: {hint}", param_hint="--mode")
    return names if "," in text else text


def resume_line(argv: Sequence[str]) -> str:
    """Return the command line that goes on with the one that was given.

    >>> resume_line(["/usr/bin/coord", "blur", "my file.npy"])
    "coord blur 'my file.npy' --resume"
    """
    words = [word for word in argv[1:] if word != "--resume"]
    program = [Path(sys.executable).name, "-m", "coordinator"] if _is_module(argv[0]) else ["coord"]
    end = words.index("--") if "--" in words else len(words)
    return shlex.join([*program, *words[:end], "--resume", *words[end:]])


def _is_module(path: str) -> bool:
    return Path(path).name == "__main__.py"


@contextmanager
def exit_codes() -> Iterator[None]:
    """Turn every expected end of a command into its sentence and exit code."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupted)
    try:
        from tiling.errors import TilingError

        try:
            yield
        except TilingError as error:
            raise InputError(str(error)) from error
    except TilefanError as error:
        fail(with_notes(str(error), error), error.exit_code)
    except KeyboardInterrupt as interrupt:
        code = TERMINATED if interrupt.args == (signal.SIGTERM,) else INTERRUPTED
        kept = getattr(interrupt, "__notes__", ())
        fail(
            with_notes("interrupted" if kept else "interrupted: nothing was written", interrupt),
            code,
        )
    except MemoryError as error:
        fail(with_notes("not enough memory on this machine", error), InputError.exit_code)


def say(message: str) -> None:
    """Print one sentence on stderr."""
    typer.echo(f"coord: {message}", err=True)


def fail(message: str, code: int) -> NoReturn:
    """Print one sentence on stderr and exit."""
    say(message)
    raise typer.Exit(code)


def _warn(message: Warning | str, *_: object, **__: object) -> None:
    """Print a warning as a sentence, without the place in our code."""
    typer.echo(f"coord: warning: {message}", err=True)


def with_notes(message: str, error: BaseException) -> str:
    """Return a message with what was noted on its error: how to go on."""
    return "; ".join((message, *getattr(error, "__notes__", ())))


def _interrupted(number: int, _: FrameType | None) -> NoReturn:
    """Let the first signal end the run in good order; the next one ends it at once.

    That is safe at any moment: what is on the disk is always fit to be resumed.
    """
    for again in (signal.SIGINT, signal.SIGTERM):
        signal.signal(again, _at_once)
    raise KeyboardInterrupt(signal.Signals(number))


def _at_once(number: int, _: FrameType | None) -> NoReturn:
    if sys.stderr.isatty():
        os.write(2, b"\r\n\x1b[?25h")  # give the cursor back
    os._exit(128 + number)


def main() -> None:
    """Run the command line."""
    from coordinator.filter_commands import register

    register(app)
    warnings.showwarning = _warn
    # Typer checks arguments with pydantic, which would look through all installed packages first.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "1")
    app()
