"""The commands about the fleet's token: `coord pair` and `coord token`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

from coordinator.cli.exit import exit_codes
from coordinator.cli.fold import echo
from coordinator.cli.options import FLEET, TOKEN_FILE, argument, command, flag

if TYPE_CHECKING:
    from coordinator.hosts.token import Credential


@command(
    "pair",
    argument("worker", "WORKER", "Its address, as `worker --pair` prints it.", str),
    argument("code", "[CODE]", "The code that it prints; asked for if left out.", str, default=""),
    flag(FLEET, "--take", help="Take the worker's token, even if there is another one here."),
    TOKEN_FILE,
    examples=("coord pair node1:8080 K7Q-3XW", "coord pair https://node1:8080"),
)
def pair(worker: str, code: str, take: bool, token_file: Path | None) -> None:
    """Share one token with a worker that shows a code: it was started with worker --pair.

    If this machine has a token the worker takes it and uses it at once; or else the worker's is
    kept here. So after each worker of a fleet was paired, all have one. A second coordinator of a
    fleet takes the fleet's token with --take. Nothing secret can be read on the way.
    """
    with exit_codes():
        from coordinator.hosts.token import find_credential
        from coordinator.workflows.pair import run_pair

        credential = find_credential(token_file, may_be_missing=True)
        outcome, *next_lines = run_pair(worker, code or asked(), credential, take=take)
        echo(outcome)
        for line in next_lines:
            typer.echo(line)


def asked() -> str:
    """Ask for the code; other users of this machine see command lines.

    Raises
    ------
    InputError
        If there is nobody to answer.
    """
    from coordinator.errors import InputError

    try:
        return input("code: ")  # typer's prompt makes Ctrl-C and the end of the input one thing
    except (EOFError, UnicodeDecodeError, RuntimeError):  # the last if stdin is closed
        raise InputError("no code: `worker --pair` prints it") from None


@command(
    "token",
    argument("action", "show|copy", "What to do.", Literal["show", "copy"]),
    argument("machines", "[MACHINE]...", "Where to copy it, as ssh has it.", list[str], default=()),
    flag(FLEET, "--reveal", help="With show: print the token, and nothing else."),
    flag(FLEET, "--run", "run_them", help="With copy: do it, by ssh."),
    TOKEN_FILE,
    examples=("coord token show", "coord token copy node1 node2", "coord token copy node1 --run"),
)
def token(
    action: str, machines: Sequence[str], reveal: bool, run_them: bool, token_file: Path | None
) -> None:
    """Say where this machine's token is, or copy it to the configuration folder of others.

    Copying prints the lines that do it; with --run it is done, and the token is on no command line.
    Workers read the token as they start; to spare them the restart use worker --pair.
    """
    with exit_codes():
        from coordinator.errors import InputError
        from coordinator.hosts.token import find_credential

        if (machines or run_them) if action == "show" else reveal:
            raise InputError("show goes with --reveal only, copy with machines and --run")
        credential = find_credential(token_file)
        to_copy = action == "copy" and not run_them  # commands: left whole
        for line in lines(credential, action, machines, reveal=reveal, run_them=run_them):
            (typer.echo if to_copy else echo)(line)


def lines(
    credential: Credential, action: str, machines: Sequence[str], *, reveal: bool, run_them: bool
) -> Iterator[str]:
    """Yield what `coord token` prints, as it is done."""
    from coordinator.workflows import share_token

    if action == "show":
        yield share_token.reveal(credential) if reveal else share_token.describe(credential)
    elif run_them:
        for machine in share_token.checked(machines):
            share_token.send(credential, machine)
            yield f"{machine}: has the token; start its worker again"
    else:
        yield from share_token.copy_lines(credential, machines)
        yield "# then start the workers there again: they read the token as they start"
