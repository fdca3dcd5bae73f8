"""The docstrings of SciPy's functions here, made of their rows and of what parameters mean."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Iterable, Iterator

from coordinator.api import generic
from coordinator.api.examples import EXAMPLES
from tiling.filters import Exactness, Filter
from tiling.filters.meanings import MEANINGS, one_per_axis

WIDTH = 92
"""Of the text: a class indents it by four more, and a line of code has 100."""

_PLAIN = {
    "ArrayLike": "array_like",
    "Mode": "str",
    "Callable[..., Any]": "callable",
    "npt.DTypeLike | NDArray[Any]": "dtype or ndarray",
    "int | Sequence[int]": "int or sequence of int",
    "tuple[Any, ...]": "tuple",
    "dict[str, Any]": "dict",
}
"""Types of `MEANINGS` as a docstring has them, where they differ."""

Item = tuple[str, str]
"""What a section tells of, and what it says."""


def documentation(row: Filter, signature: inspect.Signature, *, fleet: bool = False) -> str:
    """Return the docstring of a row's function, or of the method of a fleet.

    Parameters
    ----------
    row : Filter
    signature : inspect.Signature
        Of the function.
    fleet : bool
        Whether it is the method's.
    """
    if fleet and row.exactness is Exactness.REFUSED:
        return f"Refuse: {row.note}."
    returned = "Of the shape of `input`; `output` itself if that is an array."
    parts = [
        summary(row),
        f"The result has the bits of `scipy.ndimage.{row.name}` on one machine.",
        _section("Parameters", (_parameter(row, each) for each in signature.parameters.values())),
        _section("Returns", [("ndarray", returned)]),
        _section("Raises", _errors(row, fleet=fleet)),
        _headed("Notes", _filled(_notes(row))),
    ]
    return "\n\n".join(parts if fleet else [*parts, _headed("Examples", _example(row.name))])


def summary(row: Filter) -> str:
    """Return what a filter does, in one line."""
    if row.exactness is not Exactness.REFUSED:
        return row.summary
    return (inspect.getdoc(getattr(generic, row.name)) or "").partition("\n")[0]


def _headed(heading: str, text: str) -> str:
    return f"{heading}\n{'-' * len(heading)}\n{text}"


def _section(heading: str, items: Iterable[Item]) -> str:
    return _headed(heading, "\n".join(f"{name}\n{_filled(text, 4)}" for name, text in items))


def _filled(text: str, indent: int = 0) -> str:
    """Return a paragraph; a name with a hyphen stays whole."""
    edge = " " * indent
    return textwrap.fill(
        text, WIDTH, initial_indent=edge, subsequent_indent=edge, break_on_hyphens=False
    )


def _parameter(row: Filter, parameter: inspect.Parameter) -> Item:
    """Return a parameter with its type, and what it means."""
    name = parameter.name
    if parameter.kind is inspect.Parameter.VAR_KEYWORD:
        return f"**{name}", "`truncate` and `radius`, which mean what they mean in gaussian_filter."
    meaning, several = MEANINGS[name], one_per_axis(row.name, name)
    kind = _PLAIN.get(meaning.type, meaning.type)
    kind += f" or sequence of {kind}" * several
    sentences = [
        f"{meaning.words[0].upper()}{meaning.words[1:]}{'; one value, or one per axis' * several}.",
        meaning.details,
    ]
    if name == "input" and row.exactness is not Exactness.REFUSED:
        sentences = [f"The array to filter: {row.dtypes.value}."]
    elif name == "output" and row.own_dtype:
        sentences = ["An array of the input's shape to fill; SciPy ignores anything else."]
    required = parameter.default is inspect.Parameter.empty
    return f"{name} : {kind}{'' if required else ', optional'}", " ".join(filter(None, sentences))


def _errors(row: Filter, *, fleet: bool) -> Iterator[Item]:
    """Yield what a function raises, by the names that `tilefan` has for it."""
    if row.exactness is Exactness.REFUSED:
        yield "Exception", "Whatever SciPy, or the function that it calls, raises."
        return
    yield (
        "TilingError",
        "If SciPy refuses the parameters, then of the builtin kind that SciPy raises "
        "(ValueError, TypeError or RuntimeError), or if tiles would not give the same bits.",
    )
    if fleet:
        yield "TilefanError", "If the fleet can't do it; `tilefan` lists the kinds."


def _notes(row: Filter) -> str:
    """Say why the bits are SciPy's."""
    if row.exactness is Exactness.REFUSED:
        return f"SciPy itself computes it here, in one thread. A fleet refuses it: {row.note}."
    note = f" Besides: {row.note}." if row.note else ""
    return f"Halo of a tile, in samples: {row.halo}. Exactness: {row.exactness.value}.{note}"


def _example(name: str) -> str:
    arguments, result = EXAMPLES[name]
    imports = [">>> import numpy as np"] if "np." in arguments else []
    imports.append(">>> from tilefan import ndimage")
    return "\n".join([*imports, f">>> ndimage.{name}({arguments})", result, ""])
