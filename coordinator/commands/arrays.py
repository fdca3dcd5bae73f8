"""The commands about arrays that are there already: `coord diff`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from coordinator.arguments import numbers
from coordinator.endings import exit_codes

Json = Annotated[bool, typer.Option("--json", help="Print it as one line of JSON.")]


def diff(
    left: Annotated[Path, typer.Argument(metavar="A", help="A .npy file of numbers.")],
    right: Annotated[Path, typer.Argument(metavar="B", help="Another one.")],
    tile: Annotated[
        str | None,
        typer.Option(help="Shape of the tiles to tell places by: one size, or one per axis."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Compare two .npy files to the bit: where they differ, how often and how far.

    Neither is loaded whole. Exits with 0 if they are equal and with 5 if they differ.

    Example: coord diff out.npy scipy.npy --tile 128,768,3
    """
    with exit_codes():
        from coordinator.afterwards import diff_files
        from coordinator.display import differences

        names = str(left), str(right)
        size = numbers(tile, int, "--tile") if tile else None
        found, cut = diff_files(left, right, size)
        if as_json:
            typer.echo(json.dumps(differences.to_json(names, found)))
        else:
            typer.echo("\n".join(differences.lines(names, found, cut)))
        raise typer.Exit(0 if found.equal else 5)
