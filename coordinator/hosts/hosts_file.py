"""The file `hosts.toml`, parsed into frozen values; all mistakes are reported at once, by key.

The dataclasses below are the schema that pydantic validates; `hosts.example.toml` shows each of
their fields, and a test compares the two. A string in `hosts` stands for a table that has a `url`
only; it is replaced by one before the validation.

Importing this module imports pydantic (a tenth of a second), so only a run that uses hosts does it.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias, get_args

from pydantic import AfterValidator, ConfigDict, Field, Strict, TypeAdapter, ValidationError

from coordinator.errors import ConfigError, InputError
from coordinator.hosts.addresses import name_of, normalise
from coordinator.hosts.by_reference import ByReference, check_folder
from coordinator.hosts.certificates import authority_context, check_pin
from coordinator.hosts.codec import Codec
from coordinator.hosts.toml_text import Key, lines_of, unreadable
from tiling.protocol.token import FILE_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pydantic_core import ErrorDetails

Slots: TypeAlias = Annotated[int, Strict(), Field(ge=1, le=1024)]
Seconds: TypeAlias = Annotated[float, Strict(), Field(gt=0, le=1e6, allow_inf_nan=False)]
Positive: TypeAlias = Annotated[float, Strict(), Field(gt=0, allow_inf_nan=False)]
Address: TypeAlias = Annotated[str, Strict(), AfterValidator(normalise)]
Pin: TypeAlias = Annotated[str, Strict(), AfterValidator(check_pin)]
Text: TypeAlias = Annotated[str, Strict()]
Folder: TypeAlias = Annotated[str, Strict(), AfterValidator(check_folder)]
Paths: TypeAlias = dict[Folder, Folder]

_FORBID: Final = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True)
class Defaults:
    """Settings of every host, and of the run as a whole.

    Parameters
    ----------
    slots : int, optional
        Tiles in flight at a worker at a time; None: the number that the worker announces.
    connect_timeout_s : float
        Longest wait for a connection, in seconds.
    silent_after_s : float
        A worker that owes an answer and sends no heartbeat for so many seconds counts as lost.
    slow_link_mb_s : float
        Slowest link worth using, in 10^6 bytes per second; deadlines of transfers follow from it.
    max_in_flight_mb : float
        Bytes of all tiles in flight together, in 10^6 bytes.
    wire_codec : str
        What blocks may travel in; see `coordinator.engines.http.link`.
    by_reference : str
        Whether workers open files themselves; see `coordinator.hosts.by_reference`.
    """

    __pydantic_config__ = _FORBID

    slots: Slots | None = None
    connect_timeout_s: Seconds = (
        5.0  # TCP asks again after 1 and 3 s: two lost packets are survived
    )
    silent_after_s: Seconds = 10.0  # SciPy may hold a worker's interpreter for some seconds
    slow_link_mb_s: Positive = 1.0  # below 8 Mbit/s, sending costs more than filtering at home
    max_in_flight_mb: Positive = 280.0  # keeps the coordinator below 400 MiB, interpreter included
    wire_codec: Codec = "auto"  # packs where that pays
    by_reference: ByReference = "auto"  # where a worker serves places, and sees the same files


@dataclass(frozen=True, slots=True)
class Host:
    """A worker to be used.

    Parameters
    ----------
    name : str
        ``host:port``, as it is shown to users.
    url : str
        As `coordinator.hosts.addresses.normalise` returns it.
    slots : int, optional
        As in `Defaults`.
    certificate : str, optional
        The only trusted one: base64 of its DER.
    ca : Path, optional
        PEM file of the authority whose certificates are trusted.
    paths : mapping of str to str
        What folders of this machine are called there.
    """

    name: str
    url: str
    slots: int | None = None
    certificate: str | None = None
    ca: Path | None = None
    paths: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Config:
    """The workers of a fleet and its settings.

    Parameters
    ----------
    hosts : tuple of Host
    defaults : Defaults
    token_file : Path, optional
        The token of these workers, where `coord up` started them.
    """

    hosts: tuple[Host, ...]
    defaults: Defaults = field(default_factory=Defaults)
    token_file: Path | None = None

    @property
    def in_flight_bytes(self) -> int:
        """Most bytes of tiles in flight."""
        return int(self.defaults.max_in_flight_mb * 1e6)

    def bounded(self, in_flight_bytes: int) -> Config:
        """Return the same fleet with at most so many bytes of tiles in flight."""
        bound = replace(self.defaults, max_in_flight_mb=in_flight_bytes / 1e6)
        return replace(self, defaults=bound)

    def with_by_reference(self, choice: ByReference | None) -> Config:
        """Return the same fleet with tiles by reference or not; None keeps its own.

        Raises
        ------
        InputError
            If there is no such choice.
        """
        if choice is None:
            return self
        if choice not in (names := get_args(ByReference)):
            raise InputError(f"by_reference must be one of {' '.join(names)}, not {choice!r}")
        return replace(self, defaults=replace(self.defaults, by_reference=choice))

    def with_codec(self, codec: Codec | None) -> Config:
        """Return the same fleet with another codec; None keeps its own.

        Raises
        ------
        InputError
            If there is no such codec.
        """
        if codec is None:
            return self
        if codec not in (names := get_args(Codec)):
            raise InputError(f"wire_codec must be one of {' '.join(names)}, not {codec!r}")
        return replace(self, defaults=replace(self.defaults, wire_codec=codec))


@dataclass(frozen=True, slots=True)
class _HostTable:
    __pydantic_config__ = _FORBID

    url: Address
    slots: Slots | None = None
    certificate: Pin | None = None
    ca: Text | None = None
    paths: Paths | None = None


@dataclass(frozen=True, slots=True)
class _Document:
    __pydantic_config__ = _FORBID

    hosts: Annotated[list[_HostTable], Field(min_length=1)]
    defaults: Defaults = field(default_factory=Defaults)
    up: dict[Text, Any] = field(default_factory=dict)  # see coordinator.launch.section


_SCHEMA: Final = TypeAdapter(_Document)
_TABLES: Final[dict[str, type]] = {"hosts": _HostTable, "defaults": Defaults}


MAX_BYTES: Final = 2**24
"""Of a hosts file: hundreds of thousands of hosts."""


def load_hosts(path: Path | str) -> Config:
    """Read a hosts file.

    Parameters
    ----------
    path : Path or str

    Raises
    ------
    ConfigError
        If it can't be read, is not TOML, or has mistakes: all of them, each with its key.
    """
    source = ascii(str(path))[1:-1]
    text = ""
    try:
        with Path(path).open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise ConfigError(source, (f"more than {MAX_BYTES} bytes: no hosts file",))
        text = data.decode("utf-8-sig")
        document = tomllib.loads(text)
    except (OSError, TypeError, ValueError, RecursionError) as error:
        raise ConfigError(source, (unreadable(error, text),)) from None
    return _parse(document, source, lines_of(text), Path(path).parent)


def find_hosts(text: str) -> Config:
    """Return the fleet that an option names: by a hosts file, or by addresses between commas.

    What has a comma or a colon and is no file is addresses.

    Parameters
    ----------
    text : str
        Such as ``"hosts.toml"`` or ``"node1:8080,node2:8080"``.

    Raises
    ------
    ConfigError
        As `load_hosts` and `parse_hosts` do.
    """
    if not text.strip():
        raise ConfigError("hosts", ("is empty; name hosts.toml, or addresses such as node1:8080",))
    return parse_hosts(text) if is_addresses(text) else load_hosts(text)


def is_addresses(text: str) -> bool:
    """Tell whether an option names workers by their addresses, and not by a file."""
    if "," not in text and ":" not in text:
        return False
    try:
        return not Path(text).exists()
    except OSError:  # too long for a name
        return True


def parse_hosts(hosts: Sequence[str] | str) -> Config:
    """Return the fleet of several addresses, such as ``["node1:8080", "node2"]``.

    Parameters
    ----------
    hosts : sequence of str, or str
        One string has commas between them: ``"node1:8080,node2"``.

    Raises
    ------
    ConfigError
        If any is no address or stands twice: all mistakes, each with its index.
    """
    if isinstance(hosts, str):
        hosts = [address.strip() for address in hosts.split(",")]
    return _parse({"hosts": list(hosts)}, "hosts", {})


def _parse(
    document: Mapping[str, object],
    source: str,
    lines: Mapping[Key, int],
    folder: Path = Path(),
) -> Config:
    full = dict(document)
    if "up" in document and "hosts" not in document:
        raise ConfigError(source, (f"none of its workers is up: coord up --hosts {source}",))
    if isinstance(hosts := document.get("hosts"), list):
        full["hosts"] = [{"url": host} if isinstance(host, str) else host for host in hosts]
    try:
        valid, mistakes = _SCHEMA.validate_python(full), []
    except ValidationError as error:
        valid, mistakes = None, [(tuple(e["loc"]), _message(e)) for e in error.errors()]
    mistakes += _duplicates(full)
    if valid is not None:
        mistakes += _certificate_mistakes(valid.hosts, folder)
    if valid is None or mistakes:
        sentences = (_sentence(_written_key(key, document), text, lines) for key, text in mistakes)
        raise ConfigError(source, tuple(sentences))
    hosts = (
        Host(
            name_of(host.url),
            host.url,
            host.slots or valid.defaults.slots,
            host.certificate,
            folder / host.ca if host.ca is not None else None,
            {os.path.realpath(here): there for here, there in (host.paths or {}).items()},
        )
        for host in valid.hosts
    )
    return Config(tuple(hosts), valid.defaults, token_file(valid.up))


def token_file(up: Mapping[str, Any]) -> Path | None:
    """Return the token's file of workers that are up, by the table of the file about them."""
    folder = up.get("folder")
    return Path(folder) / FILE_NAME if isinstance(folder, str) else None


def _written_key(key: Key, document: Mapping[str, Any]) -> Key:
    """Return a key as it stands in the file: a host that is a string has no `url`."""
    match key:
        case ("hosts", int(index), *_) if isinstance(document["hosts"][index], str):
            return key[:2]
        case _:
            return key


def _duplicates(document: Mapping[str, object]) -> Iterator[tuple[Key, str]]:
    """Yield the hosts that are listed again, in any spelling."""
    first_index: dict[str, int] = {}
    hosts = document.get("hosts")
    for i, host in enumerate(hosts if isinstance(hosts, list) else []):
        url = host.get("url") if isinstance(host, dict) else None
        try:
            name = name_of(normalise(url if isinstance(url, str) else ""))
        except ValueError:
            continue  # a mistake that the schema reports
        if (first := first_index.setdefault(name, i)) != i:
            yield ("hosts", i, "url"), f"{name} is listed already, as hosts[{first}]; keep one"


def _certificate_mistakes(hosts: Sequence[_HostTable], folder: Path) -> Iterator[tuple[Key, str]]:
    """Yield certificates beside http or another, and files of authorities that can't be read."""
    for i, host in enumerate(hosts):
        keys = [key for key in ("certificate", "ca") if getattr(host, key) is not None]
        if keys and host.url.startswith("http://"):
            https = host.url.replace("http://", "https://")
            yield ("hosts", i, keys[0]), f'is of no use with http; write url = "{https}"'
        if len(keys) > 1:
            yield ("hosts", i, "ca"), "stands beside a certificate; keep one of the two"
        try:
            if host.ca is not None:
                authority_context(folder / host.ca)
        except ValueError as error:
            yield ("hosts", i, "ca"), str(error)


_OWN_MESSAGES: Final = {
    "list_type": 'must be a list such as ["node1:8080", "node2:8080"]',
    "dataclass_type": "must be a table",
}
"""Messages where pydantic's would name Python's types instead of TOML's."""


def _message(error: ErrorDetails) -> str:
    """Return the message of one of pydantic's errors, with a suggestion or the wrong value."""
    key, context = tuple(error["loc"]), error.get("ctx", {})
    match error["type"]:
        case "missing" if key == ("hosts",):
            return 'is missing; write hosts = ["node1:8080"]'
        case "missing":
            return 'is missing; such as "node1:8080"'
        case "too_short":
            return 'is empty; name at least one worker, such as hosts = ["node1:8080"]'
        case "unexpected_keyword_argument":
            return f"no such key; {_suggestion(key)}"
        case "value_error":
            return str(context["error"])
        case kind:
            message = _OWN_MESSAGES.get(kind) or error["msg"].replace("Input should", "must")
            return f"{message}, got {_short(error['input'])}"


def _short(value: object, limit: int = 60) -> str:
    shown = ascii(value)
    return shown if len(shown) <= limit else f"{shown[: limit - 3]}..."


def _suggestion(key: Key) -> str:
    keys = [f.name for f in fields(_TABLES.get(str(key[0]), _Document) if key[1:] else _Document)]
    close = difflib.get_close_matches(str(key[-1]).lower(), keys, n=1)
    return f"did you mean {close[0]}?" if close else f"known here: {', '.join(keys)}"


def _sentence(key: Key, text: str, lines: Mapping[Key, int]) -> str:
    line = next((lines[key[:n]] for n in range(len(key), 0, -1) if key[:n] in lines), None)
    path = "".join(f"[{k}]" if isinstance(k, int) else f".{ascii(k)[1:-1]}" for k in key)
    return f"{path.removeprefix('.')}{f' (line {line})' if line else ''}: {text}"
