"""`coord up` and `coord down`: start the workers of a fleet, list them in hosts.toml, stop them."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from coordinator.engines.http.client import Client
from coordinator.engines.http.refusal import Refusal
from coordinator.engines.http.session import Session
from coordinator.errors import ConfigError, InputError, NoWorkerError
from coordinator.events import FailureKind
from coordinator.hosts import HOSTS_FILE
from coordinator.hosts.hosts_file import Config, load_hosts
from coordinator.hosts.token import find_credential
from coordinator.launch.arrivals import Absence, Arrival, never_came, parted
from coordinator.launch.claim import claimed
from coordinator.launch.folder import FleetFolder
from coordinator.launch.section import FleetFile, LaunchPlan
from coordinator.text import count
from coordinator.workflows.doctor import run_doctor

ENDS_WITHIN_S: Final = 35.0
"""A worker's longest drain, and the moment until it sees that it is to end."""

LOOK_S: Final = 0.2


def bring_up(path: Path, plan: LaunchPlan | None, say: Callable[[str], None]) -> None:
    """Start workers, list them in a hosts file, and examine them.

    Parameters
    ----------
    path : Path
        Of the hosts file.
    plan : LaunchPlan, optional
        As the file remembers it unless given.
    say : callable
        Takes a line of text.

    Raises
    ------
    StoreError
        If another `coord up` or `coord down` is at work on the file.
    InputError
        If the file is not ours, or its workers are up already, or nothing says how to start them.
    NoWorkerError
        If a worker never came, or can't be used; those that came stay up.
    """
    with claimed(path):
        file = FleetFile.read(path)
        plan = plan or file.plan
        if plan is None:
            raise InputError(f"{path} remembers no workers: say which, such as coord up local -n 4")
        came, missing = _started(file, plan, say)
    config = load_hosts(path)
    troubled = run_doctor(config, find_credential(config.token_file))
    end = f"{_command('down', path)}, or after {plan.until_idle} without a request"
    say(f"{path} lists them: --hosts {path} uses them; they end with {end}")
    if missing:
        raise never_came(missing, plan.size)
    if useless := [each.host.name for each in came if each.host.name in troubled]:
        raise NoWorkerError(f"{', '.join(useless)}: up, and of no use yet; the table says why")


def _started(
    file: FleetFile, plan: LaunchPlan, say: Callable[[str], None]
) -> tuple[list[Arrival], list[Absence]]:
    """Start workers and list them in the file; return who came, and who never did.

    Raises
    ------
    InputError
        If some are up already.
    NoWorkerError
        If none came.
    """
    _clear_remains(file)
    say(f"starting {count(plan.size, 'worker')} {plan.where}")
    folder = FleetFolder.make(plan.parent)
    with _undone_if_broken_off(file, plan, folder):
        file.write(plan, folder)
        came, missing = parted(plan.start(folder))
        file.write(plan, folder if came else None, [each.host for each in came])
    if not came:
        plan.stop(folder)
        folder.remove()
        raise never_came(missing, plan.size)
    return came, missing


def take_down(path: Path, say: Callable[[str], None]) -> None:
    """Stop the workers that a hosts file says are up.

    Raises
    ------
    StoreError
        If another `coord up` or `coord down` is at work on the file.
    InputError
        If there is no such file, or it is not ours.
    NoWorkerError
        If some could not be told to end, or still serve; the file still names them.
    """
    if not path.exists():
        raise InputError(f"{path}: there is none here; --hosts names the file that coord up wrote")
    if FleetFile.read(path).folder is None:
        say(f"{path}: none of its workers is up")
        return
    with claimed(path):
        file = FleetFile.read(path)
        if file.plan is not None and file.folder is not None:
            _stop_all(file, file.plan, file.folder)
    say(f"{path}: its workers have ended; {_command('up', path)} starts them again")


def _stop_all(file: FleetFile, plan: LaunchPlan, folder: FleetFolder) -> None:
    stubborn = stop(plan, folder, _config(file))
    if stubborn:
        raise NoWorkerError("\n  ".join(("not all workers have ended:", *stubborn)))
    file.write(plan)


def stop(plan: LaunchPlan, folder: FleetFolder, config: Config | None) -> list[str]:
    """Stop workers and wait for their end; return who did not, in sentences.

    Parameters
    ----------
    plan : LaunchPlan
    folder : FleetFolder
        Is gone afterwards, if all could be told to end.
    config : Config, optional
        The workers that are waited for.
    """
    serving = _watch(config)
    troubles = plan.stop(folder)
    if troubles:
        return troubles
    until = time.monotonic() + ENDS_WITHIN_S
    while (names := serving()) and time.monotonic() < until:
        time.sleep(LOOK_S)
    folder.remove()
    return [f"{name}: was told to end, and still serves" for name in names]


def _watch(config: Config | None) -> Callable[[], list[str]]:
    """Return a function that returns the names of workers that still serve.

    What shows another token or certificate is another program on the same port.
    """
    if config is None or config.token_file is None or not config.token_file.exists():
        return list
    credential = find_credential(config.token_file)

    def serving() -> list[str]:
        with Session(config, credential) as session:
            answers = session.threads.map(_serves, session.clients.values())
            return [name for name, yes in zip(session.clients, answers, strict=True) if yes]

    return serving


def _serves(client: Client) -> bool:
    """Ask twice: a port that closes just now breaks connections before it refuses them."""
    for _ in range(2):
        try:
            client.health()
        except Refusal as refusal:
            if refusal.kind is FailureKind.UNREACHED or refusal.unfit:
                return False
            time.sleep(LOOK_S)
        else:
            return True
    return True


def _config(file: FleetFile) -> Config | None:
    """Return the workers of ours that a hosts file lists; its owner may list others beside them."""
    try:
        config = load_hosts(file.path)
    except ConfigError:  # none of them has come
        return None
    own = tuple(host for host in config.hosts if host.url in file.urls)
    return replace(config, hosts=own)


def _clear_remains(file: FleetFile) -> None:
    """Clear away what is left of workers that have ended by themselves.

    Raises
    ------
    InputError
        If some still serve.
    """
    if file.plan is None or file.folder is None:
        return
    if names := _watch(_config(file))():
        down = _command("down", file.path)
        raise InputError(f"{file.path}: {names[0]} is up already; {down} stops its workers")
    file.plan.stop(file.folder)
    file.folder.remove()


def _command(name: str, path: Path) -> str:
    """Return the command that starts or stops the workers of a file, as it is typed."""
    named = "" if str(path) == HOSTS_FILE else f" --hosts {shlex.quote(str(path))}"
    return f"`coord {name}{named}`"


@contextmanager
def _undone_if_broken_off(file: FleetFile, plan: LaunchPlan, folder: FleetFolder) -> Iterator[None]:
    """Leave no worker behind if anything breaks this off."""
    try:
        yield
    except BaseException:
        try:
            plan.stop(folder)
        finally:
            folder.remove()
            file.write(plan)
        raise
