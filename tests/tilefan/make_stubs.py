"""Write `tilefan/ndimage.pyi`, `tilefan/dask.pyi` and `coordinator/api/methods.pyi`, for tools.

Run it with ``make stubs``; a test compares the files with what it would write.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path

from coordinator.api import lazy
from coordinator.api.documentation import summary
from coordinator.api.functions import signature_of
from tilefan import ndimage
from tiling.filters import FILTERS, Filter, supported
from tiling.filters.meanings import MEANINGS, one_per_axis
from tiling.geometry.edges import MODES

ROOT = Path(__file__).parents[2]

HEAD = '''"""{title}: written by ``make stubs``."""

# ruff: noqa: A002 -- SciPy has a parameter `input`
from collections.abc import {collections}
from typing import Any, Literal, TypeAlias

import numpy.typing as npt
{dask}from numpy.typing import NDArray

{names}_Mode: TypeAlias = Literal[
{modes}
]
'''


CHAIN = (
    *("links: Sequence[tuple[str, Mapping[str, Any]]]", "input: npt.ArrayLike"),
    *("*", "tile: int | Sequence[int] | None = None"),
)
"""The parameters of `run`."""


def head(title: str, collections: str, names: Iterable[str] = (), *, dask: bool = False) -> str:
    """Return what the files begin with."""
    listed = "".join(f'    "{name}",\n' for name in names)
    return HEAD.format(
        title=title,
        dask="from dask.array import Array\n" * dask,
        collections=collections,
        names=f"__all__ = [\n{listed}]\n\n" if listed else "",
        modes="\n".join(f'    "{mode}",' for mode in MODES),
    )


def annotation(filter_name: str, parameter: str, default: object) -> str:
    """Return the type of a parameter."""
    kind = MEANINGS[parameter].type.replace("Mode", "_Mode").replace("ArrayLike", "npt.ArrayLike")
    if one_per_axis(filter_name, parameter):
        kind += f" | Sequence[{kind}]{'' if parameter == 'mode' else ' | NDArray[Any]'}"
    return f"{kind} | None" if default is None else kind


def parameter(row: Filter, name: str, default: object) -> str:
    """Return a parameter with its type and its default."""
    typed = f"{name}: {annotation(row.name, name, default)}"
    if default is inspect.Parameter.empty:
        return typed
    return f"{typed} = " + (f'"{default}"' if isinstance(default, str) else repr(default))


def parameters(row: Filter, signature: inspect.Signature | None = None) -> Iterator[str]:
    """Yield the parameters of a function; those that SciPy hands on are named."""
    star = False
    for each in (signature or signature_of(row)).parameters.values():
        if each.kind is inspect.Parameter.KEYWORD_ONLY and not star:
            star = True
            yield "*"
        if each.kind is inspect.Parameter.VAR_KEYWORD:
            yield from (parameter(row, name, row.defaults[name]) for name in ("truncate", "radius"))
        else:
            yield parameter(row, each.name, each.default)


def declared(
    name: str, parameters: Iterable[str], text: str, returned: str = "NDArray[Any]"
) -> str:
    """Return a function with its docstring."""
    lines = "".join(f"    {each},\n" for each in parameters)
    documented = textwrap.indent(f'"""{text}"""', "    ")
    return f"def {name}(\n{lines}) -> {returned}:\n{documented}\n"


def functions() -> str:
    """Return the stub of the module."""
    names = sorted(ndimage.__all__)
    title = "`scipy.ndimage` on this machine's cores, typed"
    texts = {name: f"{inspect.getdoc(getattr(ndimage, name))}\n" for name in names}
    parts = [declared(name, parameters(row), texts[name]) for name, row in FILTERS.items()]
    run = declared("run", CHAIN, texts["run"])
    return "\n".join([head(title, "Callable, Mapping, Sequence", names), run, *parts])


def methods() -> str:
    """Return the stub of the class that a fleet inherits; refused filters are left out."""
    parts = [
        declared(
            row.name,
            ("self", *parameters(row)),
            f"{summary(row)}\n\nSee `tilefan.ndimage.{row.name}`.\n",
        )
        for row in supported()
    ]
    title = "SciPy's filters as methods, typed"
    body = textwrap.indent("\n".join(parts), "    ")
    return f"{head(title, 'Sequence')}\nclass FilterMethods:\n{body}"


def lazy_functions() -> str:
    """Return the stub of the module for dask arrays; refused filters are left out."""
    functions = {row: lazy.FUNCTIONS[row.name] for row in supported()}
    names = ["run", *(row.name for row in functions)]
    begin = head(
        "`scipy.ndimage` on dask arrays, typed", "Mapping, Sequence", sorted(names), dask=True
    )
    run = declared("run", CHAIN[:2], f"{inspect.getdoc(lazy.run)}\n", "Array")
    parts = [
        declared(
            row.name,
            parameters(row, inspect.signature(each)),
            f"{inspect.getdoc(each)}\n",
            "Array",
        )
        for row, each in functions.items()
    ]
    return "\n".join([begin, run, *parts])


TARGETS = {
    ROOT / "tilefan" / "ndimage.pyi": functions,
    ROOT / "tilefan" / "dask.pyi": lazy_functions,
    ROOT / "coordinator" / "api" / "methods.pyi": methods,
}
"""What is written, and what makes its text."""

if __name__ == "__main__":
    for path, make in TARGETS.items():
        path.write_text(make(), "utf-8")
