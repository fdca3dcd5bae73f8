"""The lines of hosts.toml that `coord up` writes; all others in the file are its owner's, and stay.

::

    # --- coord up writes these lines, to the mark of their end
    [up]
    by = "ssh"
    nodes = ["node1", "node2"]
    folder = "/home/me/.local/state/tilefan/fleets/1f0c..."

    [[hosts]]
    url = "https://node1:40123"
    certificate = "MIIB..."
    # --- end of coord up

`[up]` is how the workers are started, without the defaults; `folder` is there while they are up.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Final, TypeAlias

from pydantic import Field, TypeAdapter, ValidationError

from coordinator.errors import ConfigError, InputError
from coordinator.hosts.hosts_file import Host
from coordinator.launch.folder import FleetFolder
from coordinator.launch.local import LocalFleet
from coordinator.launch.slurm import SlurmFleet
from coordinator.launch.ssh import SshFleet
from coordinator.stores.atomic_file import write_text
from coordinator.stores.partial import followed

BEGIN: Final = "# --- coord up writes these lines, to the mark of their end\n"
END: Final = "# --- end of coord up\n"

LaunchPlan: TypeAlias = LocalFleet | SlurmFleet | SshFleet
"""How workers are started and stopped."""

PLANS: Final[dict[str, type[LaunchPlan]]] = {
    "local": LocalFleet,
    "slurm": SlurmFleet,
    "ssh": SshFleet,
}

_PLAN: Final[TypeAdapter[LaunchPlan]] = TypeAdapter(
    Annotated[LaunchPlan, Field(discriminator="by")]
)


@dataclass(frozen=True, slots=True)
class FleetFile:
    """A hosts.toml of workers that are started from here.

    Parameters
    ----------
    path : Path
    before, after : str
        The lines around ours.
    plan : LaunchPlan, optional
        How they are started; None in a file that is new.
    folder : FleetFolder, optional
        None unless they are up.
    urls : tuple of str
        Of those that are up.
    """

    path: Path
    before: str = ""
    after: str = ""
    plan: LaunchPlan | None = None
    folder: FleetFolder | None = None
    urls: tuple[str, ...] = ()

    @classmethod
    def read(cls, path: Path) -> FleetFile:
        """Read a file; one that is not there is new.

        Raises
        ------
        InputError
            If there is one that `coord up` did not write.
        ConfigError
            If it can't be read, or its `[up]` has mistakes.
        """
        try:
            text = path.read_text("utf-8")
        except FileNotFoundError:
            return cls(path)
        except (OSError, ValueError) as error:
            raise ConfigError(str(path), (f"can't be read: {error}",)) from None
        before, begin, rest = text.partition(BEGIN)
        own, end, after = rest.partition(END)
        if not (begin and end):
            raise InputError(
                f"{path} is not from coord up, and stays as it is: name another file, such as "
                "--hosts fleet.toml"
            )
        return cls(path, before, after, *_parse(path, own))

    def write(
        self, plan: LaunchPlan, folder: FleetFolder | None = None, hosts: Sequence[Host] = ()
    ) -> FleetFile:
        """Write our lines anew, where a link leads to; return what is in the file then.

        Raises
        ------
        StoreError
            If the system forbids it.
        """
        own = "\n".join((*_lines(plan, folder, hosts), ""))
        write_text(followed(self.path), f"{self.before}{BEGIN}{own}{END}{self.after}")
        urls = tuple(host.url for host in hosts)
        return FleetFile(self.path, self.before, self.after, plan, folder, urls)


def _parse(path: Path, own: str) -> tuple[LaunchPlan, FleetFolder | None, tuple[str, ...]]:
    try:
        document = tomllib.loads(own)
        up: dict[str, Any] = dict(document["up"])
        folder = up.pop("folder", None)
        urls = tuple(host["url"] for host in document.get("hosts", ()))
        return _PLAN.validate_python(up), FleetFolder(Path(folder)) if folder else None, urls
    except ValidationError as error:
        mistakes = (f"{'.'.join(map(str, e['loc'][1:]))}: {e['msg']}" for e in error.errors())
        raise ConfigError(f"{path}, [up]", tuple(mistakes)) from None
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"{path}, [up]", (f"can't be read: {error}",)) from None


def _lines(plan: LaunchPlan, folder: FleetFolder | None, hosts: Sequence[Host]) -> Iterator[str]:
    yield "[up]"
    yield f"by = {_value(plan.by)}"
    for field in fields(plan):
        value = getattr(plan, field.name)
        if value != field.default and value is not None:
            yield f"{field.name} = {_value(value)}"
    if folder is not None:
        yield f"folder = {_value(str(folder.path))}"
    for host in hosts:
        yield from ("", "[[hosts]]", f"url = {_value(host.url)}")
        if host.certificate is not None:
            yield f"certificate = {_value(host.certificate)}"


def _value(value: object) -> str:
    """Return a value as TOML has it, which is as JSON has it for those that we have."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
