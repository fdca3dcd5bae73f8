"""A worker's health as it tells it: checked once, here, and nothing of it believed unchecked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version as installed_version
from typing import Any, Final

from coordinator.events import WorkerUsage
from coordinator.text import inert
from tiling.protocol.forms import CODECS
from tiling.protocol.wire import PROTOCOL

KEYS: Final = ("version", "kernel", "cpu", "machine", "python", "numpy", "scipy")
"""Words that a worker says of itself."""

LONGEST: Final = 80
"""Characters of each."""

MAX_SLOTS: Final = 1024

MAX_CORES: Final = 2**16

MOST_DONE: Final = 0.99
"""Of a tile that was not received yet."""

MAX_SECONDS: Final = 1e9
"""Of uptime: thirty years."""


@dataclass(frozen=True, slots=True)
class Health:
    """The health of a worker; what it does not tell, or not sensibly, is None or empty.

    Parameters
    ----------
    status : str
    slots, in_flight, queue : int, optional
        Tiles that it takes at a time, that it has, and that wait.
    resident_bytes : int, optional
    uptime_s : float, optional
    cores : int, optional
    cpu_s : float, optional
        Seconds of processors that it has used.
    ends_in_s : float, optional
        Seconds until its machine's time is over.
    boot : str
        Names the machine since it was started; empty where that is not known.
    codecs : tuple of str
        That it takes and sends; see `tiling.protocol.forms`.
    places : bool
        Whether it opens places; see `tiling.protocol.places`.
    computing : tuple of (int, float)
        Tiles that it has, of the run that was asked for, and the shares of them that are done.
    about : tuple of (str, str)
        The `KEYS` that it tells, each with at most `LONGEST` characters, all of them printable.
    """

    status: str = ""
    slots: int | None = None
    in_flight: int | None = None
    queue: int | None = None
    resident_bytes: int | None = None
    uptime_s: float | None = None
    cores: int | None = None
    cpu_s: float | None = None
    ends_in_s: float | None = None
    boot: str = ""
    codecs: tuple[str, ...] = ()
    places: bool = False
    computing: tuple[tuple[int, float], ...] = ()
    about: tuple[tuple[str, str], ...] = ()

    def usage(self, worker: str) -> WorkerUsage | None:
        """Return what the worker of this name uses, if it tells."""
        if self.cpu_s is None or self.resident_bytes is None:
            return None
        return WorkerUsage(worker, self.cpu_s, self.resident_bytes)

    @classmethod
    def parse(cls, said: object) -> Health:
        """Read the JSON of a worker's answer.

        Raises
        ------
        ValueError
            If it is that of no worker of this protocol; in words that follow its name.

        Examples
        --------
        >>> said = {"slots": 4, "uptime_s": float("nan"), "kernel": "native"}
        >>> Health.parse({"protocol": PROTOCOL, **said})  # doctest: +NORMALIZE_WHITESPACE
        Health(status='', slots=4, in_flight=None, queue=None, resident_bytes=None, uptime_s=None,
               cores=None, cpu_s=None, ends_in_s=None, boot='', codecs=(), places=False,
               computing=(), about=(('kernel', 'native'),))
        """
        fields: Mapping[str, Any] = said if isinstance(said, dict) else {}
        if (protocol := fields.get("protocol")) != PROTOCOL:
            raise ValueError(_other_protocol(protocol, fields.get("version")))
        memory = fields.get("memory")
        resident = memory.get("resident_bytes") if isinstance(memory, dict) else None
        return cls(
            _text(fields.get("status", "")),
            _count(fields.get("slots"), 1, MAX_SLOTS),
            _count(fields.get("in_flight"), 0, 2**31),
            _count(fields.get("queue"), 0, 2**31),
            _count(resident, 0, 2**63),
            _seconds(fields.get("uptime_s")),
            _count(fields.get("cores"), 1, MAX_CORES),
            _seconds(fields.get("cpu_s")),
            _seconds(fields.get("ends_in_s")),
            _text(fields.get("boot", "")),
            _codecs(fields.get("codecs")),
            fields.get("places") is True,
            _computing(fields.get("computing")),
            tuple((key, _text(fields[key])) for key in KEYS if key in fields),
        )


def _codecs(value: object) -> tuple[str, ...]:
    return tuple(name for name in CODECS if name in value) if isinstance(value, list) else ()


def _other_protocol(protocol: object, version: object) -> str:
    """Return what is wrong with a worker of another protocol, or with what is none."""
    if not isinstance(protocol, int):
        return f"is no tilefan worker of protocol {PROTOCOL}: it says {_text(protocol)[:40]}"
    there = _text(version)[:20] if isinstance(version, str) else "an unknown version"
    return (
        f"speaks protocol {_text(protocol)[:40]}, this coordinator protocol {PROTOCOL}: install "
        f"the same version on both: this {installed_version('tilefan')}, there {there}"
    )


def _computing(value: object) -> tuple[tuple[int, float], ...]:
    said = value[:MAX_SLOTS] if isinstance(value, list) else []
    tiles = []
    for each in said:
        match each:
            case {"tile": int(tile), "share": int() | float() as share} if share >= 0:  # NaN is not
                tiles.append((tile, min(float(share), MOST_DONE)))
    return tuple(tiles)


def _text(value: object) -> str:
    text = value if isinstance(value, str) else repr(value)[:LONGEST]
    return inert(text[:LONGEST])


def _count(value: object, low: int, high: int) -> int | None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and low <= value <= high else None  # type: ignore[operator, return-value]


def _seconds(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= MAX_SECONDS else None  # NaN is not
