"""The command `coord`: parses, opens source and sink, and ends with the documented exit code.

Heavy imports (NumPy, aiohttp, rich) wait until a command needs them, so that help is quick.
"""

from __future__ import annotations

import signal
import warnings
from collections.abc import Iterator
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
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]
Progress = Annotated[Style, typer.Option(help="How to show the run.")]


@app.command()
def blur(
    source: Annotated[Path, typer.Argument(metavar="INPUT", help="A .npy file of numbers.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Where to write; INPUT.blur.npy unless given."),
    ] = None,
    sigma: Annotated[str, typer.Option(help="Standard deviation in samples, or one per axis.")] = (
        "0.5"
    ),
    order: Annotated[str, typer.Option(help="Derivative, or one per axis; 0 smooths.")] = "0",
    mode: Annotated[
        str, typer.Option(help="Edge mode, or one per axis: reflect mirror nearest constant wrap.")
    ] = "reflect",
    cval: Annotated[str, typer.Option(help="Fill value of mode constant.")] = "0",
    truncate: Annotated[float, typer.Option(help="Radius of the filter, in sigmas.")] = 4.0,
    radius: Annotated[
        str | None, typer.Option(help="Radius in samples, or one per axis; overrides --truncate.")
    ] = None,
    axes: Annotated[str | None, typer.Option(help="Axes to filter; all unless given.")] = None,
    dtype: Annotated[
        str | None, typer.Option(help="Of the output, such as float32; the input's unless given.")
    ] = None,
    hosts: Hosts = None,
    token_file: TokenFile = None,
    tile: Annotated[
        str | None,
        typer.Option(help="Shape of the piece each tile owns: one size, or one per axis."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the output.")] = False,
    progress: Progress = "auto",
    quiet: Quiet = False,
) -> None:
    """Blur a .npy file as scipy.ndimage.gaussian_filter does; options are its parameters.

    Example: coord blur in.npy --sigma 2,2,0 --mode wrap --hosts hosts.toml
    """
    parameters = {
        "sigma": numbers(sigma, float, "--sigma"),
        "order": numbers(order, int, "--order"),
        "mode": modes(mode),
        "cval": number(cval, "--cval"),
        "truncate": truncate,
        "radius": numbers(radius, int, "--radius") if radius else None,
        "axes": numbers(axes, int, "--axes") if axes else None,
        "output": dtype,
    }
    with exit_codes():
        from coordinator.files import filter_file

        target = output or source.with_name(f"{source.stem}.blur.npy")
        filter_file(
            "gaussian_filter",
            source,
            target,
            parameters,
            hosts=hosts,
            token_file=token_file,
            tile=numbers(tile, int, "--tile") if tile else None,
            overwrite=overwrite,
            style="none" if quiet else progress,
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


@contextmanager
def exit_codes() -> Iterator[None]:
    """Turn every expected end of a command into its sentence and exit code."""
    signal.signal(signal.SIGTERM, _terminated)
    try:
        from tiling.errors import TilingError

        try:
            yield
        except TilingError as error:
            raise InputError(str(error)) from error
    except TilefanError as error:
        fail(str(error), error.exit_code)
    except KeyboardInterrupt as interrupt:
        code = TERMINATED if interrupt.args else INTERRUPTED
        fail("interrupted: nothing was written", code)
    except MemoryError:
        fail("not enough memory on this machine", InputError.exit_code)


def fail(message: str, code: int) -> NoReturn:
    """Print one sentence on stderr and exit."""
    typer.echo(f"coord: {message}", err=True)
    raise typer.Exit(code)


def _warn(message: Warning | str, *_: object, **__: object) -> None:
    """Print a warning as a sentence, without the place in our code."""
    typer.echo(f"coord: warning: {message}", err=True)


def _terminated(number: int, _: FrameType | None) -> NoReturn:
    """Treat SIGTERM as an interruption that knows its name."""
    raise KeyboardInterrupt(number)


def main() -> None:
    """Run the command line."""
    warnings.showwarning = _warn
    app()
