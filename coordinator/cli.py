"""The command `coord`: parses, opens source and sink, and ends with the documented exit code.

Heavy imports (NumPy, aiohttp, rich) wait until a command needs them, so that help is quick.
"""

from __future__ import annotations

import os
import shlex
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from coordinator.arguments import gaussian, memory, numbers, share
from coordinator.commands import arrays, fleet, planning
from coordinator.completion import edge_modes
from coordinator.endings import CODES, DEBUG, exit_codes, say, show_warning
from coordinator.progress import Style
from tiling.token import FILE_VARIABLE

app = typer.Typer(
    name="coord",
    help="Filter arrays on many machines, bit for bit as scipy.ndimage does on one.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=True,
    epilog=CODES,
)


@app.callback()
def common(
    debug: Annotated[
        bool,
        typer.Option("--debug", envvar="COORD_DEBUG", help="Show errors with their traceback."),
    ] = False,
) -> None:
    """Filter arrays on many machines, bit for bit as scipy.ndimage does on one."""
    DEBUG.set(debug)


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
    str,
    typer.Option(
        help="Edge mode, or one per axis: reflect mirror nearest constant wrap.",
        autocompletion=edge_modes,
    ),
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
TileShape = Annotated[
    str | None,
    typer.Option("--tile", help="Shape of the piece each tile owns: one size, or one per axis."),
]
MaxMemory = Annotated[
    str | None,
    typer.Option(metavar="SIZE", help="Of this process, such as 500MB: tiles are cut to fit."),
]
Report = Annotated[
    Path | None, typer.Option("--report", metavar="FILE", help="Write an HTML page about the run.")
]
Trace = Annotated[
    Path | None, typer.Option("--trace", metavar="FILE", help="Write a trace of it, for Perfetto.")
]
Provenance = Annotated[
    bool | None,
    typer.Option(
        "--provenance/--no-provenance",
        envvar="COORD_PROVENANCE",
        help="Write OUTPUT.json, how the output was made; digests of large files if asked for.",
    ),
]
Seams = Annotated[bool, typer.Option("--seams", help="Mark the tiles in the report's pictures.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Say what it would cost, as coord plan does.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]
Progress = Annotated[
    Style, typer.Option(help="How to show the run; COORD_MAP=worker maps who made each tile.")
]


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
    tile: TileShape = None,
    max_memory: MaxMemory = None,
    overwrite: Overwrite = False,
    resume: Resume = False,
    keep_going: KeepGoing = False,
    verify: Annotated[
        str | None,
        typer.Option(metavar="SHARE", help="Check so many tiles with SciPy here, such as 2%."),
    ] = None,
    report: Report = None,
    trace: Trace = None,
    provenance: Provenance = None,
    seams: Seams = False,
    dry_run: DryRun = False,
    progress: Progress = "auto",
    notes: Notes = True,
    quiet: Quiet = False,
) -> None:
    """Blur a .npy file as scipy.ndimage.gaussian_filter does; options are its parameters.

    Example: coord blur in.npy --sigma 2,2,0 --mode wrap --hosts hosts.toml
    """
    parameters = gaussian(sigma, order, mode, cval, truncate, radius, axes, dtype)
    fraction = share(verify, "--verify") if verify else None
    if dry_run:
        links = [("gaussian_filter", parameters)]
        planning.show_plan(lambda: links, source, hosts, token_file, tile, max_memory)
        return
    with exit_codes():
        from coordinator.files import filter_file
        from coordinator.papers import Papers
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
            notes=notes and not quiet,
            say=(lambda _: None) if quiet else say,
            again=resume_line(sys.argv),
            max_memory_bytes=memory(max_memory, "--max-memory") if max_memory else None,
            papers=Papers(report, trace, provenance, seams, command_line(sys.argv)),
        )


@app.command()
def demo(
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes to start.")] = 2,
    quiet: Quiet = False,
) -> None:
    """Show it all on this machine: real workers, a real array, and SciPy's own bits.

    Starts worker processes on loopback, blurs a 1024x768x3 int32 array through them, compares with
    SciPy, prints a table and stops the workers. Exits with 5 if a single bit differs.

    Example: coord demo --workers 4
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

    Example: coord doctor --hosts hosts.toml
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

    Example: coord verify out.npy in.npy --sigma 2 --sample 5%
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


@app.command()
def plan(
    source: Annotated[Path, typer.Argument(metavar="INPUT", help="A .npy file of numbers.")],
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
    tile: TileShape = None,
    max_memory: MaxMemory = None,
    as_json: arrays.Json = False,
) -> None:
    """Say what a blur would cost, and whether sending it is worth it; nothing is written.

    Workers are greeted and each filters one block, so that its speed is measured.

    Example: coord plan in.npy --sigma 8 --hosts hosts.toml --max-memory 500MB
    """
    parameters = gaussian(sigma, order, mode, cval, truncate, radius, axes, dtype)
    where = hosts, token_file, tile, max_memory
    links = [("gaussian_filter", parameters)]
    planning.show_plan(lambda: links, source, *where, as_json=as_json)


app.command()(arrays.diff)
app.command()(arrays.show)
app.command()(arrays.preview)
app.command()(fleet.hosts)
app.command()(fleet.config)


def command_line(argv: Sequence[str]) -> str:
    """Return the command line that was given, to be quoted.

    >>> command_line(["/usr/bin/coord", "blur", "my file.npy"])
    "coord blur 'my file.npy'"
    """
    return shlex.join(["coord", *argv[1:]])


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


def main() -> None:
    """Run the command line."""
    from coordinator.filter_commands import register

    register(app)
    warnings.showwarning = show_warning
    # Typer checks arguments with pydantic, which would look through all installed packages first.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "1")
    app()
