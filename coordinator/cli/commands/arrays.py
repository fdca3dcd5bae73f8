"""The commands over existing arrays: `coord info`, `diff`, `show`, `preview`."""

from __future__ import annotations

import json
from inspect import Parameter
from pathlib import Path
from typing import Any

import typer

from coordinator.cli.exit import exit_codes
from coordinator.cli.fold import echo
from coordinator.cli.options import (
    ARRAY,
    JSON,
    OUTPUT,
    RUN,
    argument,
    command,
    file_option,
    flag,
    option,
)
from coordinator.cli.parse import tile_size
from coordinator.errors import ExitCode
from coordinator.text import dtype_name, extent, megabytes, printable

TILE = option(
    RUN,
    "--tile",
    metavar="SHAPE",
    help="Shape of the tiles, if no provenance tells: one size, or one per axis.",
)


@command(
    "info",
    argument("array", "ARRAY", ARRAY),
    JSON,
    examples=("coord info in.tif", "coord info data.h5::/volume --json"),
)
def info(array: Path, as_json: bool) -> None:
    """Tell what is in a file: format, shape, dtype, how it is stored, and its size.

    Of several arrays all are listed, with their names. No sample is read.
    """
    with exit_codes():
        from coordinator.workflows.inspect_files import describe

        facts = describe(array)
        if as_json:
            typer.echo(json.dumps(facts))
            return
        arrays, on_disk = facts.get("arrays", []), f"{megabytes(facts['file'])} MB on the disk"
        start = f"{facts['array']}: {facts['format']}"
        if "shape" in facts:
            echo(f"{start}, {_array(facts)}, {megabytes(facts['bytes'])} MB")
            echo(f"stored: {printable(facts['stored'])}; {on_disk}")
        else:
            echo(f"{start}, {len(arrays)} arrays, {on_disk}; name one:")
        for each in arrays:
            echo(printable(f"  {each['array']}: {_array(each)}, {each['stored']}"))


def _array(facts: dict[str, Any]) -> str:
    return f"{extent(facts['shape'])} {dtype_name(facts['dtype'])}"


@command(
    "diff",
    argument("left", "A", ARRAY),
    argument("right", "B", "Another one."),
    TILE,
    JSON,
    examples=("coord diff out.npy scipy.npy", "coord diff out.npy scipy.npy --tile 128,768,3"),
)
def diff(left: Path, right: Path, tile: str | None, as_json: bool) -> None:
    """Compare two arrays to the bit: where they differ, how often and how far.

    Neither is loaded whole. Exits with 0 if they are equal and with 5 if they differ.
    """
    with exit_codes():
        from coordinator.cli import render_difference
        from coordinator.workflows.inspect_files import diff_files

        names = str(left), str(right)
        size = tile_size(tile) if tile else None
        difference, cut = diff_files(left, right, size)
        if as_json:
            typer.echo(json.dumps(render_difference.to_json(names, difference)))
        else:
            echo("\n".join(render_difference.lines(names, difference, cut)))
        raise typer.Exit(ExitCode.DONE if difference.equal else ExitCode.DIFFERENT_BITS)


@command(
    "show",
    argument("output", "OUTPUT", "A file with provenance (see coord blur)."),
    JSON,
    examples=("coord show out.npy",),
)
def show(output: Path, as_json: bool) -> None:
    """Tell how a file was made, and check that it is still what was written.

    Exits with 5 if its bytes have changed, and with 2 if nothing is known of it.
    """
    with exit_codes():
        from coordinator.cli import render_provenance
        from coordinator.workflows.inspect_files import show_file

        provenance, intact = show_file(output)
        if as_json:
            typer.echo(json.dumps({**json.loads(provenance.encode()), "intact": intact}))
        else:
            echo("\n".join(render_provenance.lines(provenance, intact=intact)))
        raise typer.Exit(ExitCode.DIFFERENT_BITS if intact is False else ExitCode.DONE)


@command(
    "preview",
    argument("before", "INPUT", ARRAY),
    argument("after", "OUTPUT", "What was made of it."),
    file_option(
        OUTPUT, "--output", "-o", "picture", default=Parameter.empty, help="The PNG file to write."
    ),
    flag(OUTPUT, "--overwrite", help="Replace the picture."),
    TILE,
    examples=("coord preview in.npy out.npy -o preview.png",),
)
def preview(before: Path, after: Path, picture: Path, overwrite: bool, tile: str | None) -> None:
    """Make a picture: before, after and the difference, with the seams of the tiles marked.

    Of an array of more than two axes it is the middle slice along the two longest.
    """
    with exit_codes():
        from coordinator.workflows.inspect_files import preview_files

        size = tile_size(tile) if tile else None
        preview_files(before, after, picture, size, overwrite=overwrite)
        echo(f"wrote {printable(str(picture))} ({megabytes(picture.stat().st_size)} MB)")
