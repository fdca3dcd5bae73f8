"""Pages of the site that are made of the code each time it is built."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import tilefan
from coordinator.display.json_lines import event_schema
from coordinator.stores.format import Format
from coordinator.stores.formats import FORMATS
from docs.manual import APPS, markdown
from tiling.filters import supported

EVERY_LINE = {"version", "time_s", "event"}


def write_pages(folder: Path) -> None:
    """Write them all."""
    folder.mkdir(exist_ok=True)
    pages = {
        "events": events(),
        "functions": functions(),
        "errors": errors(),
        "formats": formats(),
        **{name: markdown(name) for name in APPS},
    }
    for name, text in pages.items():
        (folder / f"{name}.md").write_text(text, "utf-8")


def events() -> str:
    """Return the table of events, from their schema."""
    rows = (
        f"| `{event['title']}` | {event['description']} | {_fields(event)} |"
        for event in event_schema()["oneOf"]
    )
    return "\n".join(("| event | meaning | fields |", "|---|---|---|", *rows, ""))


def _fields(event: dict[str, Any]) -> str:
    return " ".join(f"`{name}`" for name in event["properties"] if name not in EVERY_LINE)


def functions() -> str:
    """Return the directives that describe every filter."""
    names = (f".. autofunction:: tilefan.ndimage.{row.name}" for row in supported())
    return "\n\n".join(("```{eval-rst}", *names)) + "\n```\n"


def formats() -> str:
    """Return the table of formats, from that of the code."""
    head = "| format | names | install | an output may hold | besides |", "|---|---|---|---|---|"
    return "\n".join((*head, *map(_format, FORMATS), ""))


def _format(row: Format) -> str:
    names = " ".join(f"`{suffix}`" for suffix in row.suffixes)
    extra = f"`tilefan[{row.extra}]`" if row.extra else ""
    holds = (", ".join(row.dtypes) or "all numbers") if row.writes else "nothing: it is only read"
    return f"| {row.name} | {names} | {extra} | {holds} | {row.note} |"


def errors() -> str:
    """Return the table of errors."""
    found = (getattr(tilefan, name) for name in tilefan.__all__)
    kinds = (kind for kind in found if inspect.isclass(kind) and issubclass(kind, Exception))
    rows = (_error(kind) for kind in kinds if not issubclass(kind, Warning))
    return "\n".join(("| error | kind of | exit code | meaning |", "|---|---|---|---|", *rows, ""))


def _error(kind: type[Exception]) -> str:
    """Return the row of an error; one of a parameter ends a command as bad input does."""
    code = int(getattr(kind, "exit_code", tilefan.InputError.exit_code))
    bases = ", ".join(f"`{base.__name__}`" for base in kind.__bases__)
    meaning = inspect.cleandoc(kind.__doc__ or "").partition("\n")[0]
    return f"| `{kind.__name__}` | {bases} | {code} | {meaning} |"
