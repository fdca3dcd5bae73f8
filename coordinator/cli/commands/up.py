"""The commands that start and stop workers: `coord up` and `coord down`."""

from __future__ import annotations

import signal
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import typer

from coordinator.cli.exit import exit_codes
from coordinator.cli.fold import echo
from coordinator.cli.options import FLEET, argument, command, file_option, flag, option
from coordinator.cli.options import hosts as hosts_option
from coordinator.cli.parse import finite
from coordinator.hosts import HOSTS_FILE

if TYPE_CHECKING:
    from coordinator.launch.section import LaunchPlan

OWN_FILE = hosts_option(
    "The file that lists the workers: from coord up, or new.", default=HOSTS_FILE
)

WORDS = {"ssh": "nodes", "slurm": "arguments"}
"""The field of a plan that takes the words after it."""

HOW = (
    argument(
        "how",
        "[local|ssh|slurm|k8s]",
        "Where to start them; as before if left out.",
        Literal["local", "ssh", "slurm", "k8s"] | None,
        default=None,
    ),
    argument(
        "words",
        "[NODE]...",
        "For ssh: nodes, as ssh has them; for slurm: -- and options of sbatch.",
        list[str],
        default=(),
    ),
)

OPTIONS = (
    option(FLEET, "--workers", "-n", kind=int, min=1, max=4096, help="How many, unless by ssh."),
    option(FLEET, "--threads", kind=int, min=1, max=4096, help="Tiles that each computes at once."),
    option(FLEET, "--port", kind=int, min=0, max=65535, help="That they listen on; a free one."),
    file_option(FLEET, "--ssh-config", help="For ssh: its configuration, as ssh -F takes it."),
    option(
        FLEET,
        "--worker",
        metavar="PATH",
        help="The program there; by ssh, worker of its PATH unless installed from here.",
    ),
    flag(FLEET, "--install", help="For ssh: install this version there first, unless it is."),
    file_option(FLEET, "--wheel", help="For ssh: send and install this wheel instead."),
    option(FLEET, "--python", metavar="PATH", help="With --install: its Python, 3.11 or newer."),
    option(
        FLEET,
        "--until-idle",
        metavar="TIME",
        help="They end after so long without a request; 15m unless given.",
    ),
    option(
        FLEET,
        "--wait",
        "wait_s",
        kind=float,
        min=0.1,
        callback=finite,
        metavar="SECONDS",
        help="How long to wait for each to announce itself; 60, for slurm 600, unless given.",
    ),
    option(FLEET, "--image", metavar="NAME", help="For k8s: that has tilefan; see docs/deploy."),
    file_option(
        FLEET,
        "--shared-folder",
        help="For slurm: one that its nodes see; in the home unless given.",
    ),
)


@command(
    "up",
    *HOW,
    *OPTIONS,
    OWN_FILE,
    examples=(
        "coord up local -n 4",
        "coord up ssh node1 node2 --install",
        "coord up slurm -n 8 -- --partition=cpu --time=2:00:00",
        "coord up k8s -n 8 --image registry/tilefan",
        "coord up",
    ),
)
def up(how: str | None, words: Sequence[str], hosts: str, **options: Any) -> None:
    """Start workers, list them in hosts.toml and examine them; coord down stops them.

    They get a token of their own, and end by themselves when nobody asks them for a while; those
    on other machines encrypt. hosts.toml remembers how they were started: coord up alone does it
    again. Exits with 3 if one never came; the others stay up. For k8s a manifest is printed, and
    nothing is started.
    """
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, hang_up)
    with exit_codes():
        given = {key: value for key, value in options.items() if value}
        if how == "k8s":
            typer.echo(manifest(words, given), nl=False)
            return
        file, plan = own_file(hosts), planned(how, words, given)
        from coordinator.workflows.up import bring_up

        bring_up(file, plan, echo)


@command("down", OWN_FILE, examples=("coord down", "coord down --hosts fleet.toml"))
def down(hosts: str) -> None:
    """Stop the workers that coord up has started, and no others.

    Tiles that they compute are finished first. Exits with 3 if some could not be told to end.
    """
    with exit_codes():
        from coordinator.workflows.up import take_down

        take_down(own_file(hosts), echo)


def own_file(hosts: str) -> Path:
    """Return the file that an option names.

    Raises
    ------
    InputError
        If it names workers by their addresses.
    """
    from coordinator.errors import InputError
    from coordinator.hosts.hosts_file import is_addresses

    if is_addresses(hosts):
        raise InputError(
            f"--hosts {hosts} (or TILEFAN_HOSTS) is of addresses: name the file that lists the "
            f"workers which coord starts, such as --hosts {HOSTS_FILE}"
        )
    return Path(hosts)


def hang_up(*_: object) -> None:
    """End as by Ctrl-C, for the terminal is gone."""
    signal.raise_signal(signal.SIGINT)


def planned(how: str | None, words: Sequence[str], options: Mapping[str, Any]) -> LaunchPlan | None:
    """Return the plan that a command line has, if it has one.

    Raises
    ------
    InputError
        If it is none.
    """
    from coordinator.errors import InputError

    if how is None:
        if options:
            raise InputError("options go with a way to start workers: coord up local -n 4")
        return None
    from coordinator.launch.section import PLANS

    kind: Any = PLANS[how]
    check_known(how, options, kind)
    values = {key: absolute(value) for key, value in options.items()}
    if (field := WORDS.get(how)) is not None:
        values[field] = tuple(words)
    elif words:
        raise InputError(f"coord up {how} takes no {words[0]!r}")
    return kind(**values)  # type: ignore[no-any-return]


def manifest(words: Sequence[str], options: Mapping[str, Any]) -> str:
    """Return the manifest that a command line asks for.

    Raises
    ------
    InputError
        If it lacks an image, or says what has no meaning there.
    """
    from coordinator.errors import InputError
    from coordinator.launch.kubernetes import Manifest

    check_known("k8s", options, Manifest)
    if words or "image" not in options:
        raise InputError("say what runs there: coord up k8s -n 8 --image registry/tilefan")
    return Manifest(**options).text()


def check_known(how: str, options: Iterable[str], kind: Any) -> None:
    """Refuse options that are no fields of a kind.

    Raises
    ------
    InputError
    """
    from coordinator.errors import InputError

    known = {each.name for each in fields(kind)}
    for name in options:
        if name not in known:
            raise InputError(f"--{name.replace('_', '-')} has no meaning for coord up {how}")


def absolute(value: object) -> object:
    """Return a path as it is from every folder."""
    return str(value.absolute()) if isinstance(value, Path) else value
