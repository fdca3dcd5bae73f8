"""The choice of a kernel: the fastest that has SciPy's bits here.

A compiled kernel is taken after it has made SciPy's bytes of every probe block; by then all that
it compiles on first use is compiled, so no tile waits for it. Where numba is missing, or a probe
differs, the reference kernel serves and the note says why.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from tiling.errors import UnsupportedError
from tiling.kernels import Kernel

Requested: TypeAlias = Literal["auto", "compiled", "reference"]


@dataclass(frozen=True, slots=True)
class Selected:
    """A kernel, its name, and in one line why it is not the one that was asked for."""

    name: str
    kernel: Kernel
    note: str = ""


def select(
    requested: Requested = "auto",
    cache_folder: str | None = None,
    pairs: Sequence[tuple[str, str]] | None = None,
) -> Selected:
    """Return a kernel that gives SciPy's bits of every probe.

    Parameters
    ----------
    requested : {"auto", "compiled", "reference"}
        ``auto`` takes the reference kernel where the compiled one can't serve.
    cache_folder : str, optional
        Where compiled code is kept from one start to the next.
    pairs : sequence of (str, str), optional
        The dtypes to compare, of input and output; all that have probes unless given.

    Raises
    ------
    UnsupportedError
        If ``compiled`` was asked for and can't serve.
    """
    from tiling.kernels import reference

    if requested != "reference":
        kernel, reason = _compiled(cache_folder, pairs)
        if kernel is not None:
            return Selected("compiled", kernel)
        if requested == "compiled":
            raise UnsupportedError(f"the compiled kernel can't serve: {reason}")
        return Selected("reference", reference.run, f"the reference kernel serves: {reason}")
    return Selected("reference", reference.run)


def _compiled(
    cache_folder: str | None, pairs: Sequence[tuple[str, str]] | None
) -> tuple[Kernel | None, str]:
    """Return the compiled kernel, or why it can't be had."""
    from tiling.kernels import compiled, reference
    from tiling.probes import correlations

    try:
        if cache_folder is not None:
            compiled.use_cache(cache_folder)
        difference = correlations.compare(
            compiled.run, reference.run, correlations.cases(pairs or correlations.PAIRS)
        )
    except ImportError as error:
        return None, f"numba can't be imported ({error})"
    except Exception as error:  # of numba, or of a damaged cache
        first = (str(error).splitlines() or [""])[0]
        return None, f"the compiled kernel fails here ({type(error).__name__}: {first})"
    if difference is not None:
        return None, f"the compiled kernel's bits differ on this machine: {difference}"
    return compiled.run, ""
