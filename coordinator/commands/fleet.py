"""The commands about the fleet and the settings: `coord hosts`, `coord config`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from coordinator.completion import worker_names
from coordinator.endings import exit_codes
from tiling.token import FILE_VARIABLE

TokenFile = Annotated[
    Path | None,
    typer.Option(
        "--token-file", envvar=FILE_VARIABLE, metavar="FILE", help="File with the fleet's token."
    ),
]


def hosts(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[WORKER]...",
            help="Those to look at; all unless given.",
            autocompletion=worker_names,
        ),
    ] = None,
    hosts: Annotated[
        Path, typer.Option("--hosts", envvar="COORD_HOSTS", metavar="FILE", help="hosts.toml.")
    ] = Path("hosts.toml"),
    token_file: TokenFile = None,
    watch: Annotated[bool, typer.Option("--watch", help="Look again until interrupted.")] = False,
) -> None:
    """Show the fleet as it is now: who is there, how busy, and for how long.

    Exits with 3 if nobody can be reached; coord doctor says more about each.

    Example: coord hosts --hosts hosts.toml --watch
    """
    with exit_codes():
        from coordinator.config import load_hosts
        from coordinator.credential import find_credential
        from coordinator.watch import run_hosts

        run_hosts(load_hosts(hosts), find_credential(token_file), names or (), watch=watch)


def config(
    context: typer.Context,
    hosts: Annotated[
        Path | None,
        typer.Option("--hosts", envvar="COORD_HOSTS", metavar="FILE", help="hosts.toml."),
    ] = None,
    token_file: TokenFile = None,
) -> None:
    """Show every setting, and where it came from: an option, the environment, a file, or none.

    Example: coord config --hosts hosts.toml
    """
    with exit_codes():
        from coordinator.origin import settings

        sources = {name: context.get_parameter_source(name) for name in ("hosts", "token_file")}
        given = frozenset(n for n, source in sources.items() if source and "LINE" in source.name)
        rows = list(settings(hosts, token_file, given))
        wide = [max(len(getattr(row, part)) for row in rows) for part in ("name", "value")]
        for row in rows:
            typer.echo(f"{row.name:{wide[0]}}  {row.value:{wide[1]}}  {row.origin}")
