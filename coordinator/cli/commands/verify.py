"""The command `coord verify`: which filters made a file, as the user or its provenance says."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from coordinator.cli.commands.filter import (
    NAMES,
    OPTIONS,
    own_parameters,
    parameter_option,
    parse,
)
from coordinator.cli.exit import exit_codes
from coordinator.cli.fold import echo
from coordinator.cli.options import FILTER, PROGRESS, QUIET, RUN, argument, command, option
from coordinator.cli.parse import share
from coordinator.display.listener import Style
from coordinator.errors import InputError

BLUR = "gaussian_filter"
DEFAULTS = {"sigma": "0.5"}
"""The parameters of `coord blur` without options."""


def complete_filters(incomplete: str) -> list[str]:
    """Return the names of filters that begin so."""
    from tiling.filters import supported

    return [row.name for row in supported() if row.name.startswith(incomplete)]


@command(
    "verify",
    argument("result", "OUTPUT", "The file to check."),
    argument("source", "INPUT", "What it was made from."),
    option(
        FILTER,
        "--filter",
        "name",
        metavar="NAME",
        autocompletion=complete_filters,
        help=(
            "SciPy's name; unless given what OUTPUT.json says, or gaussian_filter where parameters "
            "of it are given."
        ),
    ),
    *map(parameter_option, OPTIONS),
    option(
        RUN,
        "--sample",
        metavar="SHARE",
        default="100%",
        help="How much to check, such as 2% or 0.02.",
    ),
    PROGRESS,
    QUIET,
    examples=(
        "coord verify out.npy in.npy --sigma 2 --sample 5%",
        "coord verify out.npy in.npy --filter median_filter --size 5",
        "coord verify out.npy in.npy --filter sobel --axis 0 --dtype float32",
    ),
)
def verify(
    result: Path,
    source: Path,
    name: str | None,
    sample: str,
    progress: Style,
    quiet: bool,
    **texts: str | None,
) -> None:
    """Check a finished file with SciPy on this machine.

    Without --filter and parameters, its provenance says which filters made it. Exits with 5 if a
    bit differs, and names the first one.
    """
    fraction = share(sample, "--sample")
    with exit_codes():
        from coordinator.checks.recompute import Sampling
        from coordinator.report.provenance import find_provenance, provenance_path
        from coordinator.workflows.verify_file import check_order, recorded, verify_file

        check_order(result, source)
        parameters = {key: text for key, text in texts.items() if text is not None}
        provenance = None if name or parameters else find_provenance(result)
        if not (provenance or name or parameters):
            raise InputError(
                f"{result}: there is no {provenance_path(result)} that says how it was made: say "
                "--filter and how, such as --filter gaussian_filter --sigma 2"
            )
        checked = verify_file(
            recorded(provenance) if provenance else [_link(name or BLUR, parameters)],
            result,
            source,
            sampling=Sampling(fraction),
            style="none" if quiet else progress,
        )
        if not quiet and progress != "json":
            echo(f"{result} is equal to SciPy {version('scipy')}, bit for bit ({checked})")


def _link(name: str, parameters: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    """Read the options of one filter; those that it has not are refused."""
    from tiling.filters import FILTERS

    if name not in FILTERS:
        raise InputError(f"{name!r} is no filter of the table; see coord filters")
    own = {NAMES.get(key, key): key for key in own_parameters(name)}
    for option_name in parameters.keys() - own.keys():
        raise InputError(f"{name} has no --{option_name.replace('_', '-')}")
    texts = {own[key]: text for key, text in parameters.items()}
    return name, parse({**(DEFAULTS if name == BLUR else {}), **texts})
