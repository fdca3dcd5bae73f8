"""The commands that filter: `coord blur`, `coord run`, and what those of `coord filter` share."""

from __future__ import annotations

import shlex
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from coordinator.cli.exit import exit_codes, fail, say, say_link
from coordinator.cli.gaussian import GAUSSIAN
from coordinator.cli.groups import MORE_INPUTS
from coordinator.cli.options import (
    EVENT_LOG,
    RUNNING,
    SOURCE,
    MakeLinks,
    argument,
    command,
    output,
)
from coordinator.cli.parse import gaussian, lengths, placement, share
from coordinator.errors import TrustWarning

if TYPE_CHECKING:
    from coordinator.workflows.run_options import RunOptions


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
def blur(source: Path, **options: Any) -> None:
    """Blur an array as scipy.ndimage.gaussian_filter does; options are its parameters."""
    parameters = gaussian(options)
    run_filters(lambda: [("gaussian_filter", parameters)], source, "blur", **options)


@command(
    "run",
    argument("pipeline", "PIPELINE", "A TOML file with a table for each filter."),
    SOURCE,
    output("run"),
    *RUNNING,
    examples=(
        "coord run pipeline.toml in.npy -o out.npy",
        "coord run pipeline.toml in.npy --hosts hosts.toml --verify 2%",
    ),
    no_args_is_help=True,
)
def run(pipeline: Path, source: Path, **options: Any) -> None:
    """Run the filters of a pipeline one after another, in one pass over the file.

    Each table is called filters and has SciPy's name of a filter, and its parameters:
    name = "gaussian_filter", sigma = 2. Arrays are .npy files or nested lists.
    """

    def make_links() -> Sequence[tuple[str, Mapping[str, Any]]]:
        from coordinator.run.pipeline_file import check_order, load_pipeline

        check_order(pipeline, source)
        return load_pipeline(pipeline)

    run_filters(make_links, source, "run", **options)


def run_filters(make_links: MakeLinks, source: Path, word: str, **options: Any) -> None:
    """Run filters one after another over a file, or say what that would cost.

    Parameters
    ----------
    make_links : callable
        Makes the filters and their parameters.
    source : Path
    word : str
        In the name of the output, where no option names it.
    **options
        The options of `coordinator.cli.options.RUNNING`, and ``output``.

    Raises
    ------
    typer.BadParameter
        If an option has a value that it does not take, or ``--json`` goes without ``--dry-run``.
    """
    where, fraction = placement(options), options["verify"] and share(options["verify"], "--verify")
    storing: dict[str, Any] = {
        name: lengths(options[name], f"--{name}") for name in ("chunks", "shards")
    }
    storing |= {"codec": options["codec"] or "", "pyramid": options["pyramid"]}
    if options["dry_run"]:
        from coordinator.cli.commands.plan import show_plan

        as_json, output = options["as_json"], options["output"]
        show_plan(make_links, source, where, as_json=as_json, output=output, storing=storing)
        return
    if options["as_json"]:
        raise typer.BadParameter("--json goes with --dry-run; events of a run are --progress json")
    if options["output"] == Path("-"):
        raise typer.BadParameter("-o names a file, which is written in place: no stdout")
    if options["out_dir"] is not None:
        _check_many(options)
    quiet, command = options["quiet"], command_line(sys.argv)
    if quiet:
        warnings.simplefilter("ignore", TrustWarning)
    with exit_codes():
        from coordinator.report.artifacts import Artifacts
        from coordinator.workflows.run_options import Placement, RunOptions, Storing

        run_options = RunOptions(
            placement=Placement(**where),
            **{name: options[name] for name in ("overwrite", "sync", "resume", "keep_going")},
            sampling=_sampling(fraction),
            style="none" if quiet else options["progress"],
            notes=options["notes"] and not quiet,
            say=(lambda _: None) if quiet else say,
            again=resume_line(sys.argv),
            log=EVENT_LOG.get(),
            artifacts=Artifacts(
                **{name: options[name] for name in ("report", "trace", "provenance", "seams")},
                command=command,
            ),
            storing=Storing(**storing),
        )
        for sentence in _without_effect({**where, **options}) if run_options.notes else ():
            say(f"note: {sentence}")
        links = list(make_links())
        if not options["web"]:
            _filter(links, source, word, run_options, options)
            return
        from coordinator.workflows.live_page import run_shown

        with run_shown(run_options, options["web_port"], say_link) as run_options:
            _filter(links, source, word, run_options, options)


def _filter(
    links: Sequence[tuple[str, Mapping[str, Any]]],
    source: Path,
    word: str,
    run_options: RunOptions,
    options: Mapping[str, Any],
) -> None:
    """Filter the input, or each of several."""
    from coordinator.workflows.filter_file import beside, filter_chain

    if options["out_dir"] is None:
        filter_chain(links, source, options["output"] or beside(source, word), run_options)
        return
    from coordinator.workflows.filter_files import filter_files

    sources = [source, *map(Path, MORE_INPUTS.get())]
    if failed := filter_files(links, sources, options["out_dir"], run_options, say):
        names = ", ".join(str(each) for each, _ in failed)
        fail(f"{len(failed)} of {len(sources)} inputs failed: {names}", failed[0][1])


def _check_many(options: Mapping[str, Any]) -> None:
    """Refuse options of one output where there may be several."""
    for name in ("output", "report", "trace"):
        if options[name] is not None:
            raise typer.BadParameter(f"--{name} names one file, and --out-dir takes many inputs")


def _without_effect(options: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence on each flag that only means something beside another option."""
    for flag, other in (("keep_going", "hosts"), ("seams", "report"), ("web_port", "web")):
        if options[flag] and not (options[other] or (other == "hosts" and options["engine"])):
            yield f"--{flag.replace('_', '-')} has no effect without --{other}"


def _sampling(fraction: float | None) -> Any:
    if fraction is None:
        return None
    from coordinator.checks.recompute import Sampling

    return Sampling(fraction)


def command_line(argv: Sequence[str]) -> str:
    """Return the command line of this process, to be quoted.

    >>> command_line(["/usr/bin/coord", "blur", "my file.npy"])
    "coord blur 'my file.npy'"
    """
    return shlex.join(["coord", *argv[1:]])


def resume_line(argv: Sequence[str]) -> str:
    """Return the command line that goes on with that of this process.

    >>> resume_line(["/usr/bin/coord", "blur", "my file.npy"])
    "coord blur 'my file.npy' --resume"
    """
    words = [word for word in argv[1:] if word != "--resume"]
    program = [Path(sys.executable).name, "-m", "coordinator"] if _is_module(argv[0]) else ["coord"]
    end = words.index("--") if "--" in words else len(words)
    return shlex.join([*program, *words[:end], "--resume", *words[end:]])


def _is_module(path: str) -> bool:
    return Path(path).name == "__main__.py"
