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
from tiling.protocol.token import FILE_VARIABLE, TOKEN_VARIABLE

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
    environ: Mapping[str, str] = os.environ,
    *,
    hosts_on_line: bool = False,
) -> Iterator[Setting]:
    """Yield every setting that a run with these options would have.

    Parameters
    ----------
    hosts : str, optional
        As the command line or the environment says.
    token_file : Path, optional
        As the command line says.
    environ : mapping
    hosts_on_line : bool
        Whether the command line says `hosts`.

    Raises
    ------
    ConfigError, TrustError
        If a file that is named can't be used.
    """
    yield Setting("hosts", hosts or "this machine", _origin_of_hosts(hosts, hosts_on_line))
    up = None if hosts is None else find_hosts(hosts).token_file
    if up is not None and token_file is None:
        yield Setting("token file", str(up), f"{hosts}, [up]")
    else:
        yield _token(token_file, environ)
    yield Setting("threads", str(usable_cores()), "cores that this process may use")
    for name in (
        "TILEFAN_BY_REFERENCE",
        "TILEFAN_PROVENANCE",
        "TILEFAN_MAP",
        "NO_COLOR",
        "TERM",
        "CI",
    ):
        if name in environ:
            yield Setting(name, environ[name], "environment")
    if hosts is not None:
        yield from _of_fleet(hosts)


def _origin_of_hosts(hosts: str | None, on_line: bool) -> str:
    if hosts is None:
        return "default"
    return "--hosts" if on_line else f"environment, {HOSTS_VARIABLE}"


def _token(token_file: Path | None, environ: Mapping[str, str]) -> Setting:
    credential = find_credential(token_file, environ)
    if credential.path is None:
        return Setting("token", "not shown", f"environment, {TOKEN_VARIABLE}")
    there = str(credential.path)
    value = there if credential.token else f"none ({there} is not there)"
    if token_file:
        return Setting("token file", value, "--token-file")
    named = environ.get(FILE_VARIABLE)
    origin = f"environment, {FILE_VARIABLE}" if named else "configuration folder"
    return Setting("token file", value, origin)


def _of_fleet(hosts: str) -> Iterator[Setting]:
    """Yield what holds for the fleet, and for each host."""
    config = find_hosts(hosts)
    written: dict[str, Any] = {} if is_addresses(hosts) else _written(hosts)
    defaults = written.get("defaults", {})
    for field in fields(Defaults):
        value = getattr(config.defaults, field.name)
        shown = value if isinstance(value, str) else _figure(value)
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


def _figure(value: float | None) -> str:
    return "as each worker says, and one more" if value is None else f"{value:g}"


def _written(path: str) -> dict[str, Any]:
    return tomllib.loads(Path(path).read_bytes().decode("utf-8-sig"))
