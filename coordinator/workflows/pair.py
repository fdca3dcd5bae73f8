"""`coord pair`: one token for a worker and this machine, and what was done about it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from coordinator.engines.http.pairing import Paired, pair
from coordinator.errors import InputError, StoreError, TrustError
from coordinator.hosts.addresses import name_of, normalise
from coordinator.hosts.certificates import check_pin
from coordinator.hosts.token import Credential
from coordinator.stores.atomic_file import write_text
from tiling.protocol.pairing import parse_code
from tiling.protocol.token import TOKEN_VARIABLE, Token


def run_pair(worker: str, code: str, credential: Credential, *, take: bool = False) -> list[str]:
    """Share one token with a worker; return the sentences that say how, and what comes next.

    Parameters
    ----------
    worker : str
        Its address.
    code : str
        The one that it shows.
    credential : Credential
        This machine's token, which the worker takes; where there is none, the worker's is kept.
    take : bool
        Whether to keep the worker's even if there is one here.

    Raises
    ------
    InputError
        If the address or the code is none.
    TrustError, NoWorkerError
        If they are not paired.
    StoreError
        If the worker's token can't be written here.
    """
    _check_order(worker, code)
    try:
        url = normalise(worker)
    except ValueError as error:
        raise InputError(f"worker {worker!a}: {error}") from None
    if take and credential.path is None:
        raise InputError(f"--take writes a token file, but {TOKEN_VARIABLE} is set: unset it")
    paired = pair(url, parse_code(code), None if take else credential.token)
    if paired.token and credential.path:
        _keep(credential.path, paired.token)
    return [_outcome(name_of(url), paired, credential), *_next(url, paired)]


def _check_order(worker: str, code: str) -> None:
    """Refuse several workers, and a code in the place of one."""
    if "," in worker:
        raise InputError(f"worker {worker!a}: one at a time, each has a code of its own")
    if ":" in code:
        raise InputError("the worker comes first: coord pair node1:8080 CODE")


def _keep(path: Path, token: Token) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{path}: can't be written: {error.strerror}") from None
    write_text(path, token.reveal() + "\n", mode=0o600)


def _outcome(name: str, paired: Paired, credential: Credential) -> str:
    """Return the sentence about the tokens.

    Raises
    ------
    TrustError
        If the worker could not take ours.
    """
    here = credential.place
    match paired.outcome:
        case "given":
            return f"paired with {name}: this machine has its token now, in {here}"
        case "taken":
            return f"paired with {name}: it has the token of {here} now, and needs no restart"
        case "same":
            return f"paired with {name}: it had the token of {here} already"
        case "fixed":
            raise TrustError(
                f"{name}: its token is in {paired.place} of its environment, which pairing does "
                "not change: unset that there and start it again with --pair"
            )
        case _:
            raise TrustError(f"{name}: could not write its token file {paired.place}")


def _next(url: str, paired: Paired) -> Iterator[str]:
    if paired.certificate is None:
        yield f"next: coord doctor --hosts {name_of(url)}"
        return
    try:
        pin = check_pin(paired.certificate)
    except ValueError:
        raise TrustError(f"{name_of(url)}: sent a certificate that is none") from None
    yield "it encrypts: put these lines into hosts.toml"
    yield from ("[[hosts]]", f'url = "{url}"', f'certificate = "{pin}"')
    yield "next: coord doctor --hosts hosts.toml"
