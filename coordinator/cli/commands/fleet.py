"""The commands about the fleet and the settings: `coord hosts`, `doctor`, `demo`, `config`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import typer

from coordinator.cli.exit import exit_codes, say_link
from coordinator.cli.fold import echo
from coordinator.cli.options import (
    CONTEXT,
    DISPLAY,
    FLEET,
    QUIET,
    TOKEN_FILE,
    WEB,
    argument,
    command,
    flag,
    option,
)
from coordinator.cli.options import hosts as hosts_option
from coordinator.cli.parse import finite
from coordinator.hosts import HOSTS_FILE


def complete_workers(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the names in the hosts file that the command line, or the environment, names."""
    from coordinator.errors import TilefanError
    from coordinator.hosts.hosts_file import find_hosts

    named = ctx.params.get("hosts") or os.environ.get("TILEFAN_HOSTS") or HOSTS_FILE
    try:
        hosts = find_hosts(named).hosts
    except TilefanError:
        return []
    return [host.name for host in hosts if host.name.startswith(incomplete)]


@command(
    "hosts",
    argument(
        "names",
        "[WORKER]...",
        "Those to look at; all unless named.",
        list[str],
        complete_workers,
        default=(),
    ),
    hosts_option(default=HOSTS_FILE),
    TOKEN_FILE,
    flag(DISPLAY, "--watch", help="Look again until interrupted."),
    *WEB,
    option(
        FLEET,
        "--wait",
        "wait_s",
        kind=float,
        min=0.0,
        default=0.0,
        callback=finite,
        metavar="SECONDS",
        help="Wait for workers that are starting, at most so long.",
    ),
    examples=(
        "coord hosts",
        "coord hosts node1:8080 --hosts hosts.toml --watch",
        "coord hosts --web",
    ),
)
def hosts(
    names: Sequence[str],
    hosts: str,
    token_file: Path | None,
    watch: bool,
    web: bool,
    web_port: int | None,
    wait_s: float,
) -> None:
    """Show the fleet as it is now: who is there, how busy, and for how long.

    Exits with 6 if tokens or certificates are in the way of all that answer, or with 3 if no worker
    can be reached; coord doctor says more about each.
    """
    with exit_codes():
        from coordinator.errors import ConfigError
        from coordinator.hosts.hosts_file import find_hosts
        from coordinator.hosts.token import find_credential, warn_of_clear_text
        from coordinator.workflows.watch import await_workers, pick, run_hosts

        try:
            config = find_hosts(hosts)
        except ConfigError as error:
            if any(":" in name for name in names):
                error.add_note(
                    f"addresses go with their option: coord hosts --hosts {','.join(names)}"
                )
            raise
        token_file = token_file or config.token_file
        config = pick(config, names)
        await_workers(config, lambda: find_credential(token_file), wait_s)
        credential = find_credential(token_file)
        warn_of_clear_text(config, credential)
        if not web:
            run_hosts(config, credential, watch=watch)
            return
        from coordinator.workflows.live_page import fleet_shown

        with fleet_shown(web_port, say_link) as show:
            run_hosts(config, credential, watch=watch, show=show)


@command(
    "doctor",
    hosts_option(default=HOSTS_FILE),
    TOKEN_FILE,
    examples=("coord doctor", "coord doctor --hosts node1:8080,node2:8080"),
)
def doctor(hosts: str, token_file: Path | None) -> None:
    """Examine every worker of a fleet: is it reached, trusted, right, and how fast.

    Prints a table, and for each worker that can't be used what to do about it. Exits with 0 if
    there is one to work with, with 6 if tokens or certificates are in the way, or else with 3.
    """
    with exit_codes():
        from coordinator.hosts.hosts_file import find_hosts
        from coordinator.hosts.token import find_credential, warn_of_clear_text
        from coordinator.workflows.doctor import run_doctor

        config = find_hosts(hosts)
        credential = find_credential(token_file or config.token_file)
        warn_of_clear_text(config, credential)
        run_doctor(config, credential)


@command(
    "demo",
    option(
        FLEET,
        "--workers",
        kind=int,
        min=1,
        max=64,
        default=2,
        help="Processes to start.",
    ),
    QUIET,
    examples=("coord demo", "coord demo --workers 4"),
)
def demo(workers: int, quiet: bool) -> None:
    """Show it all on this machine: real workers, two filters, and SciPy's own bits.

    Starts worker processes on loopback, filters a large array and a slow one here and through
    them, and compares times and bits with SciPy. Exits with 5 if a single bit differs.
    """
    with exit_codes():
        from coordinator.workflows.demo import run_demo

        run_demo(workers, (lambda _: None) if quiet else echo)


@command(
    "config",
    CONTEXT,
    hosts_option(),
    TOKEN_FILE,
    examples=("coord config", "coord config --hosts hosts.toml"),
)
def config(context: typer.Context, hosts: str | None, token_file: Path | None) -> None:
    """Show every setting, and where it came from: an option, the environment, a file, or none."""
    with exit_codes():
        from coordinator.workflows.settings import settings

        source = context.get_parameter_source("hosts")
        is_on_line = source is not None and "LINE" in source.name
        rows = list(settings(hosts, token_file, hosts_on_line=is_on_line))
        wide = [max(len(getattr(row, part)) for row in rows) for part in ("name", "value")]
        for row in rows:
            echo(f"{row.name:{wide[0]}}  {row.value:{wide[1]}}  {row.origin}")
