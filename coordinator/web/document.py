"""The document of a live page: the places of its parts, its style, its script and its policy."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import Final

from coordinator.report.css import CSS
from coordinator.report.html import Html, tag, text

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

STYLE: Final = f"""{CSS}
progress {{ width: 100%; height: 1rem; accent-color: var(--bar); }}
p.numbers {{ margin: .25rem 0; font-variant-numeric: tabular-nums; }}
p.news {{ min-height: 1.5em; margin: .25rem 0 1rem; color: var(--dim); overflow-wrap: anywhere; }}
#link {{ margin: 0 0 .5rem; color: var(--dim); font-size: .85rem; }}
#part-log ol {{ max-height: 24rem; overflow-y: auto; }}
"""

LOG: Final = "log"
"""The part whose new lines a screen reader says."""


def script() -> str:
    """Return the script of the page."""
    return (files(__package__) / "page.js").read_text("utf-8")


def document(title: str, parts: Mapping[str, Html]) -> str:
    """Return the whole document with its parts as they are now."""
    places = [
        tag("div", {"id": f"part-{name}", **_spoken(name)}, drawn) for name, drawn in parts.items()
    ]
    status = tag("p", {"id": "link", "role": "status"}, text("connecting"))
    body = tag("body", {}, tag("main", {}, status, *places))
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,"><link rel="stylesheet" href="/page.css">
{tag("title", {}, text(title))}<script src="/page.js" defer></script></head>{body}</html>
"""


def notice(title: str, sentence: str, *, forward: bool = False) -> str:
    """Return a document of one sentence; one that leads on to the page, or none."""
    on = '<meta http-equiv="refresh" content="0;url=/">' if forward else ""
    way = '<p><a href="/">Go on to the page</a></p>' if forward else ""
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">{on}
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">{tag("title", {}, text(title))}</head>
<body><main>{tag("h1", {}, text(title))}{tag("p", {}, text(sentence))}{way}</main></body></html>
"""


def _spoken(name: str) -> dict[str, object]:
    return {"role": "log", "aria-label": "Log"} if name == LOG else {}
