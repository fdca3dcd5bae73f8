"""`coord config`: every setting, its value and its origin."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from coordinator.hosts.hosts_file import Defaults, find_hosts, is_addresses
from coordinator.hosts.token import find_credential
from coordinator.machine import usable_cores
from tiling.protocol.token import FILE_VARIABLE

HOSTS_VARIABLE = "TILEFAN_HOSTS"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting."""

    name: str
    value: str
    origin: str


def settings(
    hosts: str | None,
    token_file: Path | None,
    options: frozenset[str],
    environ: Mapping[str, str] = os.environ,
) -> Iterator[Setting]:
    """Yield every setting that a run with these options would have.

    Parameters
    ----------
    hosts : str, optional
    token_file : Path, optional
        As the command line and the environment say.
    options : frozenset of str
        Names of those that stand on the command line.
    environ : mapping

    Raises
    ------
    ConfigError, TrustError
        If a file that is named can't be used.
    """
    yield Setting("hosts", hosts or "this machine", _named(hosts, "hosts", options))
    credential = find_credential(token_file, environ)
    token = str(credential.path) if credential.token else f"none ({credential.path} is not there)"
    place = _named(token_file, "token_file", options) if token_file else "configuration folder"
    yield Setting("token file", token, place)
    yield Setting("threads", str(usable_cores()), "cores that this process may use")
    for name in ("TILEFAN_PROVENANCE", "TILEFAN_MAP", "NO_COLOR", "TERM", "CI"):
        if name in environ:
            yield Setting(name, environ[name], "environment")
    if hosts is not None:
        yield from _of_fleet(hosts)


def _named(path: Path | str | None, option: str, options: frozenset[str]) -> str:
    if path is None:
        return "default"
    variable = {"hosts": HOSTS_VARIABLE, "token_file": FILE_VARIABLE}[option]
    return f"--{option.replace('_', '-')}" if option in options else f"environment, {variable}"


def _of_fleet(hosts: str) -> Iterator[Setting]:
    """Yield what holds for the fleet, and for each host."""
    config = find_hosts(hosts)
    written: dict[str, Any] = {} if is_addresses(hosts) else _written(hosts)
    defaults = written.get("defaults", {})
    for field in fields(Defaults):
        value = getattr(config.defaults, field.name)
        shown = "as each worker says, and one more" if value is None else f"{value:g}"
        origin = f"{hosts}, [defaults]" if field.name in defaults else "default"
        yield Setting(f"defaults.{field.name}", shown, origin)
    for number, host in enumerate(config.hosts):
        yield Setting(f"hosts[{number}]", host.url, hosts)
        if host.slots is not None:
            own = isinstance(written["hosts"][number], dict) and "slots" in written["hosts"][number]
            origin = f"{hosts}, its own" if own else f"{hosts}, [defaults]"
            yield Setting(f"hosts[{number}].slots", str(host.slots), origin)
        trust = "its certificate" if host.certificate else str(host.ca or "")
        if trust:
            yield Setting(f"hosts[{number}].trust", trust, hosts)


def _written(path: str) -> dict[str, Any]:
    return tomllib.loads(Path(path).read_bytes().decode("utf-8-sig"))
