"""The commands that filter: `coord blur`, `coord run`, and what those of `coord filter` share."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import typer

from coordinator.cli.exit import exit_codes, say
from coordinator.cli.options import GAUSSIAN, RUNNING, SOURCE, argument, command, output
from coordinator.cli.parse import gaussian, memory, numbers, share
from coordinator.display.listener import Style

Links: TypeAlias = Callable[[], Sequence[tuple[str, Mapping[str, Any]]]]
"""Makes the filters and their parameters, once errors end as they should."""


@command(
    "blur",
    SOURCE,
    output("blur"),
    *GAUSSIAN,
    *RUNNING,
    examples=(
        "coord blur in.npy --sigma 2,2,0 --mode wrap --hosts hosts.toml",
        "coord blur in.npy --sigma 8 --max-memory 500MB --report run.html",
        "coord blur in.npy --sigma 8 --hosts hosts.toml --dry-run --json",
    ),
)
def blur(source: Path, **given: Any) -> None:
    """Blur a .npy file as scipy.ndimage.gaussian_filter does; options are its parameters."""
    parameters = gaussian(given)
    run_filters(lambda: [("gaussian_filter", parameters)], source, "blur", **given)


@command(
    "run",
    argument("pipeline", "PIPELINE", "A TOML file with [[filters]] tables."),
    SOURCE,
    output("run"),
    *RUNNING,
    examples=(
        "coord run pipeline.toml in.npy -o out.npy",
        "coord run pipeline.toml in.npy --hosts hosts.toml --verify 2%",
    ),
    no_args_is_help=True,
)
def run(pipeline: Path, source: Path, **given: Any) -> None:
    """Run the filters of a pipeline one after another, in one pass over the file.

    Each [[filters]] table has SciPy's name of a filter, and its parameters:
    name = "gaussian_filter", sigma = 2. Arrays are .npy files or nested lists.
    """

    def links() -> Sequence[tuple[str, Mapping[str, Any]]]:
        from coordinator.run.pipeline_file import load_pipeline

        return load_pipeline(pipeline)

    run_filters(links, source, "run", **given)


def run_filters(
    links: Links,
    source: Path,
    word: str,
    *,
    output: Path | None,
    hosts: Path | None,
    token_file: Path | None,
    tile: str | None,
    max_memory: str | None,
    overwrite: bool,
    report: Path | None,
    trace: Path | None,
    provenance: bool | None,
    seams: bool,
    resume: bool,
    keep_going: bool,
    verify: str | None,
    dry_run: bool,
    as_json: bool,
    progress: Style,
    notes: bool,
    quiet: bool,
) -> None:
    """Run filters one after another over a file, or say what that would cost.

    Parameters
    ----------
    links : callable
    source : Path
    word : str
        In the name of the output, unless that is given.
    output, hosts, ..., quiet
        As `coordinator.cli.options` has them.
    """
    fraction = share(verify, "--verify") if verify else None
    if dry_run:
        from coordinator.cli.commands.plan import show_plan

        show_plan(links, source, hosts, token_file, tile, max_memory, as_json=as_json)
        return
    if as_json:
        raise typer.BadParameter("--json goes with --dry-run; events of a run are --progress json")
    size = numbers(tile, int, "--tile") if tile else None
    limit_bytes = memory(max_memory, "--max-memory") if max_memory else None
    with exit_codes():
        from coordinator.report.artifacts import Artifacts
        from coordinator.workflows.filter_file import filter_chain

        filter_chain(
            list(links()),
            source,
            output or source.parent / f"{source.stem}.{word}.npy",
            hosts=hosts,
            token_file=token_file,
            tile=size,
            overwrite=overwrite,
            resume=resume,
            keep_going=keep_going,
            sampling=_sampling(fraction),
            style="none" if quiet else progress,
            notes=notes and not quiet,
            say=(lambda _: None) if quiet else say,
            again=resume_line(sys.argv),
            max_memory_bytes=limit_bytes,
            papers=Artifacts(report, trace, provenance, seams, command_line(sys.argv)),
        )


def _sampling(fraction: float | None) -> Any:
    if fraction is None:
        return None
    from coordinator.checks.recompute import Sampling

    return Sampling(fraction)


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
