"""Numbers formatted for people, and text from outside made harmless."""

from __future__ import annotations

import re
import textwrap
import unicodedata
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

BARS: Final = "▁▂▃▄▅▆▇█"
KINDS: Final = {"b": "bool", "i": "int", "u": "uint", "f": "float", "c": "complex"}
LONGEST: Final = 1000  # characters of a text from outside: a reason with its remedy has 500


def inert(text: str) -> str:
    r"""Replace what could move a cursor, colour, hide or reorder text; cut what is too long.

    Names and reasons come from the network. Control and format characters (escape sequences,
    direction marks) become ``?``, lines are joined, combining marks go away, and so does everything
    after a while.

    Examples
    --------
    >>> inert("a\x1b[31mb")
    'a?[31mb'
    """
    joined = " ".join(text[: 2 * LONGEST].split())
    short = joined if len(joined) <= LONGEST else f"{joined[: LONGEST - 3]}..."
    return "".join(c if c.isprintable() else "?" for c in short if not unicodedata.combining(c))


def printable(text: str) -> str:
    """Make text harmless without cutting it: a command or a path may be long."""
    return "".join(c if c.isprintable() else "?" for c in text)


def wrapped(text: str, columns: int, indent: str = "", hanging: str = "") -> list[str]:
    """Break a text into lines between words; one that is longer than a line goes over its edge.

    Parameters
    ----------
    text : str
    columns : int
    indent, hanging : str
        Before the first line, and before the others.

    Examples
    --------
    >>> wrapped("as scipy.ndimage.gaussian_filter does", 12)
    ['as', 'scipy.ndimage.gaussian_filter', 'does']
    """
    return textwrap.wrap(
        text,
        columns,
        initial_indent=indent,
        subsequent_indent=hanging,
        break_long_words=False,
        break_on_hyphens=False,
    )


def clock(seconds: float | None) -> str:
    """Write a time as ``m:ss`` or ``h:mm:ss``; an unknown one as ``-:--``.

    Examples
    --------
    >>> clock(75.2), clock(3600), clock(None)
    ('1:15', '1:00:00', '-:--')
    """
    if seconds is None:
        return "-:--"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def brief_time(seconds: float) -> str:
    """Write the time of a tile in at most six characters.

    Examples
    --------
    >>> brief_time(0.0123), brief_time(4.26), brief_time(754)
    ('12 ms', '4.3 s', '12:34')
    """
    if seconds < 0.9995:
        return f"{seconds * 1e3:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 99.95 else clock(seconds)


def megabytes(size: float) -> str:
    """Write bytes (or bytes per second) in 10^6, with as many digits as matter.

    Examples
    --------
    >>> megabytes(23_592), megabytes(23_592_960), megabytes(4.2e9), megabytes(128)
    ('0.02', '23.6', '4,200', '<0.01')
    """
    mb = size / 1e6
    if 0 < mb < 0.005:
        return "<0.01"
    if mb < 0.95:
        return f"{mb:.2f}"
    return f"{mb:.1f}" if mb < 999.95 else f"{mb:,.0f}"


def extent(lengths: Sequence[int]) -> str:
    """Write a shape; one of no axes is a scalar.

    Examples
    --------
    >>> extent((1024, 768, 3)), extent(())
    ('1024x768x3', 'scalar')
    """
    return "x".join(str(n) for n in lengths) or "scalar"


def dtype_name(text: str) -> str:
    """Write a dtype as NumPy names it; what is none stays as it is, but harmless.

    Examples
    --------
    >>> dtype_name("<i4"), dtype_name(">f8"), dtype_name("|b1"), dtype_name("int16")
    ('int32', 'float64 (big-endian)', 'bool', 'int16')
    """
    if (match := re.fullmatch(r"([<>|=])([biufc])(\d{1,2})", text)) is None:
        return inert(text)
    order, kind, size = match.groups()
    bits = "" if kind == "b" else str(8 * int(size))
    return f"{KINDS[kind]}{bits}{' (big-endian)' if order == '>' else ''}"


def percentage(part: int, whole: int) -> str:
    """Write a share of a whole, which is 100 % or 0 % only if it is all or nothing of it.

    Examples
    --------
    >>> percentage(249, 250), percentage(99_999, 100_000), percentage(1, 3000), percentage(3, 3)
    ('99.6 %', '99.9 %', '0.033 %', '100 %')
    >>> percentage(1, 10**9)
    'less than 0.001 %'
    """
    percent = 100 * part / whole if whole else 0.0
    if 99.9 < percent < 100:
        percent = 99.9
    return f"{percent:.3g} %" if percent == 0 or percent >= 1 else _small(percent)


def _small(percent: float) -> str:
    return "less than 0.001 %" if percent < 0.001 else f"{percent:.2g} %"


def spark(amounts: Sequence[float]) -> str:
    """Draw amounts as bars, the largest at full height; nothing at all leaves a space.

    Examples
    --------
    >>> spark([0, 1, 4, 8])
    ' ▁▄█'
    """
    top = max(amounts, default=0) or 1
    return "".join(BARS[max(0, round(a / top * 8) - 1)] if a > 0 else " " for a in amounts)


def count(number: int, noun: str) -> str:
    """Write a number with its noun.

    Examples
    --------
    >>> count(1, "tile"), count(1200, "tile")
    ('1 tile', '1,200 tiles')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
