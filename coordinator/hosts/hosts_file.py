"""`hosts.toml` parsed into frozen values: every mistake at once, each with its key.

The dataclasses below are the schema: pydantic reads their annotations, `hosts.example.toml` shows
each of their fields, and a test holds the two together. A string in `hosts` is short for a table
that has a `url` only; it is spelt out before the schema looks at it.

Importing this module imports pydantic (a tenth of a second), so only a run that uses hosts does it.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections import Counter
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias

from pydantic import AfterValidator, ConfigDict, Field, Strict, TypeAdapter, ValidationError

from coordinator.errors import ConfigError
from coordinator.hosts.addresses import name_of, normalise
from coordinator.hosts.certificates import authority_context, check_pin

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pydantic_core import ErrorDetails

Key: TypeAlias = tuple[str | int, ...]

Slots: TypeAlias = Annotated[int, Strict(), Field(ge=1, le=1024)]
Positive: TypeAlias = Annotated[float, Strict(), Field(gt=0, allow_inf_nan=False)]
Address: TypeAlias = Annotated[str, Strict(), AfterValidator(normalise)]
Pin: TypeAlias = Annotated[str, Strict(), AfterValidator(check_pin)]
Text: TypeAlias = Annotated[str, Strict()]

_FORBID: Final = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True)
class Defaults:
    """What holds for every host, and for the run as a whole.

    Parameters
    ----------
    slots : int, optional
        Tiles in flight at a worker at a time; None: what the worker says, plus one pipelined.
    connect_timeout_s : float
        Longest wait for a connection.
    silent_after_s : float
        A worker that owes an answer and does not say within this that it is alive counts as lost.
    slow_link_mb_s : float
        Slowest link worth using, in 10^6 bytes per second: a tile may take as long as this needs.
    max_in_flight_mb : float
        Bytes of all tiles in flight together, in 10^6 bytes.
    """

    __pydantic_config__ = _FORBID

    slots: Slots | None = None
    connect_timeout_s: Positive = (
        5.0  # TCP asks again after 1 and 3 s: two lost packets are survived
    )
    silent_after_s: Positive = 4.0  # two lost packets in a row (1 + 2 s); noticed within 5 s
    slow_link_mb_s: Positive = 1.0  # below 8 Mbit/s, sending costs more than filtering at home
    max_in_flight_mb: Positive = 280.0  # keeps the coordinator below 400 MiB, interpreter included


@dataclass(frozen=True, slots=True)
class Host:
    """A worker to be used.

    Parameters
    ----------
    name : str
        What people call it.
    url : str
    slots : int, optional
        As in `Defaults`.
    certificate : str, optional
        The only one to be trusted: base64 of its DER.
    ca : Path, optional
        PEM file of the authority whose certificates are trusted.
    """

    name: str
    url: str
    slots: int | None = None
    certificate: str | None = None
    ca: Path | None = None


@dataclass(frozen=True, slots=True)
class Config:
    """The fleet as its owner described it."""

    hosts: tuple[Host, ...]
    defaults: Defaults = field(default_factory=Defaults)

    @property
    def in_flight_bytes(self) -> int:
        """Bytes of tiles that may be in flight."""
        return int(self.defaults.max_in_flight_mb * 1e6)

    def bounded(self, in_flight_bytes: int) -> Config:
        """Return the same fleet with this many bytes in flight at most."""
        bound = replace(self.defaults, max_in_flight_mb=in_flight_bytes / 1e6)
        return replace(self, defaults=bound)


@dataclass(frozen=True, slots=True)
class _HostTable:
    __pydantic_config__ = _FORBID

    url: Address
    slots: Slots | None = None
    certificate: Pin | None = None
    ca: Text | None = None


@dataclass(frozen=True, slots=True)
class _Document:
    __pydantic_config__ = _FORBID

    hosts: Annotated[list[_HostTable], Field(min_length=1)]
    defaults: Defaults = field(default_factory=Defaults)


_SCHEMA: Final = TypeAdapter(_Document)
_TABLES: Final[dict[str, type]] = {"hosts": _HostTable, "defaults": Defaults}


def load_hosts(path: Path | str) -> Config:
    """Read a hosts file.

    Raises
    ------
    ConfigError
        When it can't be read, is not TOML, or has mistakes: all of them, each with its key.
    """
    source = ascii(str(path))[1:-1]
    text = ""
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
        document = tomllib.loads(text)
    except (OSError, ValueError) as error:
        raise ConfigError(source, (_unreadable(error, text),)) from None
    return _parse(document, source, _lines(text), Path(path).parent)


def parse_hosts(hosts: Sequence[str]) -> Config:
    """Take hosts from a sequence of addresses, such as ``["node1:8080", "node2"]``.

    Raises
    ------
    ConfigError
        With all that is wrong with them.
    """
    listed: object = hosts if isinstance(hosts, str) else list(hosts)
    return _parse({"hosts": listed}, "hosts", {})


def _parse(
    document: Mapping[str, object],
    source: str,
    lines: Mapping[Key, int],
    folder: Path = Path(),
) -> Config:
    spelt = dict(document)
    if isinstance(hosts := document.get("hosts"), list):
        spelt["hosts"] = [{"url": host} if isinstance(host, str) else host for host in hosts]
    try:
        valid, found = _SCHEMA.validate_python(spelt), []
    except ValidationError as error:
        valid, found = None, [(tuple(e["loc"]), _words(e)) for e in error.errors()]
    found += _twice(spelt)
    if valid is not None:
        found += _distrusted(valid.hosts, folder)
    if valid is None or found:
        sentences = (_sentence(_as_written(key, document), what, lines) for key, what in found)
        raise ConfigError(source, tuple(sentences))
    hosts = (
        Host(
            name_of(host.url),
            host.url,
            host.slots or valid.defaults.slots,
            host.certificate,
            folder / host.ca if host.ca is not None else None,
        )
        for host in valid.hosts
    )
    return Config(tuple(hosts), valid.defaults)


def _as_written(key: Key, document: Mapping[str, Any]) -> Key:
    """Leave out the `url` that a host of one string does not have."""
    match key:
        case ("hosts", int(place), *_) if isinstance(document["hosts"][place], str):
            return key[:2]
        case _:
            return key


def _twice(document: Mapping[str, object]) -> Iterator[tuple[Key, str]]:
    """Find hosts that are listed again, under whatever spelling."""
    seen: dict[str, int] = {}
    hosts = document.get("hosts")
    for i, host in enumerate(hosts if isinstance(hosts, list) else []):
        url = host.get("url") if isinstance(host, dict) else None
        try:
            name = name_of(normalise(url if isinstance(url, str) else ""))
        except ValueError:
            continue  # the schema has its say about this one
        if (first := seen.setdefault(name, i)) != i:
            yield ("hosts", i, "url"), f"{name} is listed already, as hosts[{first}]; keep one"


def _distrusted(hosts: Sequence[_HostTable], folder: Path) -> Iterator[tuple[Key, str]]:
    """Find certificates that would protect nothing, or can't be had."""
    for i, host in enumerate(hosts):
        given = [key for key in ("certificate", "ca") if getattr(host, key) is not None]
        if given and host.url.startswith("http://"):
            https = host.url.replace("http://", "https://")
            yield ("hosts", i, given[0]), f'is of no use with http; write url = "{https}"'
        if len(given) > 1:
            yield ("hosts", i, "ca"), "stands beside a certificate; keep one of the two"
        try:
            if host.ca is not None:
                authority_context(folder / host.ca)
        except ValueError as error:
            yield ("hosts", i, "ca"), str(error)


# What the schema's complaints are called here; {got} is the value, the rest is pydantic's context.
_WORDS: Final = {
    "missing": "is missing{hint}",
    "int_type": "must be a whole number, got {got}",
    "float_type": "must be a number, got {got}",
    "string_type": 'must be a string such as "node1:8080", got {got}',
    "list_type": 'must be a list such as ["node1:8080", "node2:8080"], got {got}',
    "dataclass_type": "must be a table, got {got}",
    "too_short": 'is empty; name at least one worker, such as hosts = ["node1:8080"]',
    "greater_than": "must be greater than {gt:g}, got {got}",
    "greater_than_equal": "must be at least {ge}, got {got}",
    "less_than_equal": "must be at most {le}, got {got}",
    "finite_number": "must be a finite number, got {got}",
    "value_error": "{error}",
    "unexpected_keyword_argument": "no such key; {hint}",
}


def _words(error: ErrorDetails) -> str:
    kind, key = error["type"], tuple(error["loc"])
    hint = ""
    if kind == "unexpected_keyword_argument":
        hint = _suggestion(key)
    elif kind == "missing":
        hint = '; write hosts = ["node1:8080"]' if key == ("hosts",) else '; such as "node1:8080"'
    context: dict[str, Any] = {"got": _short(error["input"]), "hint": hint, **error.get("ctx", {})}
    return _WORDS[kind].format_map(context) if kind in _WORDS else error["msg"]


def _short(value: object, limit: int = 60) -> str:
    shown = ascii(value)
    return shown if len(shown) <= limit else f"{shown[: limit - 3]}..."


def _suggestion(key: Key) -> str:
    known = [f.name for f in fields(_TABLES.get(str(key[0]), _Document) if key[1:] else _Document)]
    close = difflib.get_close_matches(str(key[-1]).lower(), known, n=1)
    return f"did you mean {close[0]}?" if close else f"known here: {', '.join(known)}"


def _sentence(key: Key, what: str, lines: Mapping[Key, int]) -> str:
    line = next((lines[key[:n]] for n in range(len(key), 0, -1) if key[:n] in lines), None)
    shown = "".join(f"[{k}]" if isinstance(k, int) else f".{ascii(k)[1:-1]}" for k in key)
    return f"{shown.removeprefix('.')}{f' (line {line})' if line else ''}: {what}"


_HEADER = re.compile(r"\s*\[(\[?)\s*([\w-]+)\s*\]")
_ENTRY = re.compile(r"\s*([\w-]+)\s*=")
_BOTH_FORMS: Final = (r"^\s*hosts\s*=", r"^\s*\[\[\s*hosts\s*\]\]")


def _lines(text: str) -> dict[Key, int]:
    """Find the line of each key, as far as a glance at each line tells."""
    lines: dict[Key, int] = {}
    table: Key = ()
    count: Counter[str] = Counter()
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            name = header[2]
            table = (name, count[name]) if header[1] else (name,)
            count[name] += 1
            lines.setdefault(table, number)
        elif entry := _ENTRY.match(line):
            lines.setdefault((*table, entry[1]), number)
    return lines


def _unreadable(error: Exception, text: str) -> str:
    match error:
        case FileNotFoundError():
            return "no such file; hosts.example.toml shows what goes into one"
        case OSError():
            return f"can't be read: {error.strerror}"
        case UnicodeDecodeError():
            return "is not UTF-8 text; a hosts file is TOML, as hosts.example.toml shows"
        case _ if all(re.search(form, text, re.MULTILINE) for form in _BOTH_FORMS):
            return "has both hosts = [...] and [[hosts]]; TOML allows one form, so keep one of them"
        case _:
            return f"is not TOML: {error}"
