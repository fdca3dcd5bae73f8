"""Markup that is safe by construction: text is escaped when it becomes `Html`, and only once.

Whatever came from a file's name, from a command line or over the network goes in as `str`.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping
from typing import NewType

from coordinator.text import inert

Html = NewType("Html", str)
"""Markup that has been escaped."""


def text(words: object) -> Html:
    """Escape words.

    >>> text("<b>")
    '&lt;b&gt;'
    """
    return Html(html.escape(inert(str(words)), quote=True))


def long_text(words: str) -> Html:
    """Escape words that are not cut, however long: a command line.

    >>> long_text("a & b")
    'a &amp; b'
    """
    return Html(html.escape("".join(c if c.isprintable() else "?" for c in words), quote=True))


def tag(name: str, attributes: Mapping[str, object] | None = None, *children: Html) -> Html:
    """Return an element.

    >>> tag("p", {"id": "a"}, text("x"))
    '<p id="a">x</p>'
    """
    written = "".join(f' {key}="{text(value)}"' for key, value in (attributes or {}).items())
    return Html(f"<{name}{written}>{''.join(children)}</{name}>")


def join(children: Iterable[Html]) -> Html:
    """Put elements one after another."""
    return Html("".join(children))


def section(title: str, *children: Html) -> Html:
    """Return a part of a page, with its heading."""
    return tag("section", {}, tag("h2", {}, text(title)), *children)


def wide(child: Html, name: str) -> Html:
    """Let what is wide be scrolled where there is no room for it, by the keyboard too."""
    attributes = {"class": "wide", "tabindex": 0, "role": "region", "aria-label": name}
    return tag("div", attributes, child)
