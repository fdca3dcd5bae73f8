"""The commands about arrays that are there already: `coord diff`, `coord show`, `coord preview`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from coordinator.arguments import numbers
from coordinator.endings import exit_codes

Json = Annotated[bool, typer.Option("--json", help="Print it as one line of JSON.")]

Tile = Annotated[
    str | None,
    typer.Option(help="Shape of the tiles, if no provenance tells: one size, or one per axis."),
]


def diff(
    left: Annotated[Path, typer.Argument(metavar="A", help="A .npy file of numbers.")],
    right: Annotated[Path, typer.Argument(metavar="B", help="Another one.")],
    tile: Tile = None,
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


def show(
    output: Annotated[Path, typer.Argument(metavar="OUTPUT", help="A .npy file with provenance.")],
    as_json: Json = False,
) -> None:
    """Tell how a file was made, and check that it is still what was written.

    Exits with 5 if its bytes have changed, and with 2 if nothing is known of it.

    Example: coord show out.npy, after coord blur in.npy -o out.npy
    """
    with exit_codes():
        from coordinator.afterwards import show_file
        from coordinator.display import origins

        known, intact = show_file(output)
        if as_json:
            typer.echo(json.dumps({**json.loads(known.encode()), "intact": intact}))
        else:
            typer.echo("\n".join(origins.lines(known, intact=intact)))
        raise typer.Exit(5 if intact is False else 0)


def preview(
    before: Annotated[Path, typer.Argument(metavar="INPUT", help="A .npy file of numbers.")],
    after: Annotated[Path, typer.Argument(metavar="OUTPUT", help="What was made of it.")],
    picture: Annotated[Path, typer.Option("--output", "-o", help="The PNG file to write.")],
    tile: Tile = None,
) -> None:
    """Make a picture: before, after and the difference, with the seams of the tiles marked.

    Of an array of more than two axes it is the middle slice along the two longest.

    Example: coord preview in.npy out.npy -o preview.png
    """
    with exit_codes():
        from coordinator.afterwards import preview_files

        size = numbers(tile, int, "--tile") if tile else None
        preview_files(before, after, picture, size)
