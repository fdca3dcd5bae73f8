"""`coord token`: where this machine's token is, and how other machines get it by ssh."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterable, Iterator

from coordinator.errors import InputError, StoreError, TrustError
from coordinator.hosts import ssh_targets
from coordinator.hosts.token import Credential
from tiling.protocol.token import Token

FOLDER = ".config/tilefan"
"""Below a home on Linux: where workers look for the token."""

RECEIVE = "; ".join(
    (
        "umask 077",
        'folder="${XDG_CONFIG_HOME:-$HOME/.config}/tilefan"',
        'if [ "$(uname)" = Darwin ]',
        'then folder="$HOME/Library/Application Support/tilefan"',
        "fi",
        'mkdir -p "$folder" && cat > "$folder/.new" && mv -f "$folder/.new" "$folder/token"',
    )
)
"""Run by the other machine's sh: stdin, which nobody else sees, becomes the token's file.

It is one line, for csh, where that is the login shell, takes no more in quotes.
"""


def describe(credential: Credential) -> str:
    """Return where the token is.

    Raises
    ------
    TrustError
        If there is none.
    """
    _token(credential)
    return f"the token is in {credential.place}; coord token show --reveal prints it"


def reveal(credential: Credential) -> str:
    """Return the secret itself.

    Raises
    ------
    TrustError
        If there is none.
    """
    return _token(credential).reveal()


def copy_lines(credential: Credential, targets: Iterable[str]) -> Iterator[str]:
    """Yield command lines that copy the token's file to other machines.

    Raises
    ------
    TrustError
        If there is no token.
    InputError
        If it is in no file, or a target is none of ssh's.
    """
    _token(credential)
    if credential.path is None:
        raise InputError(f"the token is in {credential.place}, in no file: add --run to send it")
    source = shlex.quote(str(credential.path.absolute()))
    for target in checked(targets):
        yield f"ssh {target} 'umask 077 && mkdir -p ~/{FOLDER}'"
        yield f"scp -p {source} {target}:{FOLDER}/token"


def send(credential: Credential, target: str, ssh: str = "ssh") -> None:
    """Write the token's file on another machine by the system's ssh; the token is in no command.

    Parameters
    ----------
    credential : Credential
    target : str
        One that `checked` has let through.
    ssh : str
        The program.

    Raises
    ------
    TrustError
        If there is no token, or ssh fails.
    StoreError
        If there is no ssh.
    """
    secret = f"{reveal(credential)}\n".encode("ascii")
    command = [ssh, "--", target, f"sh -c {shlex.quote(RECEIVE)}"]
    try:
        done = subprocess.run(command, input=secret, check=False)  # noqa: S603 - a checked target
    except OSError as error:
        raise StoreError(f"{ssh}: can't be run: {error.strerror}") from None
    if done.returncode:
        raise TrustError(f"{target}: ssh ended with {done.returncode}; the token is not there")


def checked(targets: Iterable[str]) -> list[str]:
    """Return at least one target of ssh.

    Raises
    ------
    InputError
        If one is no target.
    """
    targets = ssh_targets.checked(targets)
    if not targets:
        raise InputError("to which machines? such as: coord token copy node1 node2")
    return targets


def _token(credential: Credential) -> Token:
    if credential.token is None:
        raise TrustError(
            f"there is no token here ({credential.place} is not there): start `worker --pair` on "
            "another machine and run the line that it prints here"
        )
    return credential.token
