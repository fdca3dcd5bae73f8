"""The choice of a kernel: the native one, where it is there and has SciPy's bits.

It proves itself by the probes by which a worker proves itself to a coordinator: against the table
of SciPy's digests, and where they differ, as they may on other processors, against SciPy here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from tiling.errors import UnsupportedError
from tiling.kernels import Kernel, native, reference
from tiling.kernels.native.library import library
from tiling.operations import KINDS
from tiling.probes.digests import digest_of, of_kernels

Requested: TypeAlias = Literal["auto", "native", "reference"]


@dataclass(frozen=True, slots=True)
class Selected:
    """A kernel, its name, and in one line why it is not the one that was asked for."""

    name: str
    kernel: Kernel
    note: str = ""


def select(requested: Requested = "auto", probes: Iterable[str] = ()) -> Selected:
    """Return a kernel that has SciPy's bits.

    Parameters
    ----------
    requested : {"auto", "native", "reference"}
        ``auto`` takes the reference kernel where the native one can't serve.
    probes : iterable of str
        Names of probes by which the native kernel has to prove itself; what does not depend on
        a kernel is left out.

    Raises
    ------
    UnsupportedError
        If ``native`` was asked for and can't serve.
    """
    if requested == "reference":
        return Selected("reference", reference.run)
    reason = _why_not(probes)
    if not reason:
        return Selected("native", native.run)
    if requested == "native":
        raise UnsupportedError(f"the native kernel can't serve: {reason}")
    return Selected("reference", reference.run, f"the reference kernel serves: {reason}")


def _why_not(probes: Iterable[str]) -> str:
    """Say why the native kernel can't serve; nothing if it can."""
    try:
        library()
    except OSError as error:
        return f"the native kernel was not built, or can't be loaded ({error})"
    table = of_kernels()
    left_to_scipy = KINDS.keys() - native.COMPUTED.keys()
    for name in probes:
        if name not in table or name.partition("-")[0] in left_to_scipy:
            continue
        try:
            digest = digest_of(name, native.run)
        except Exception as error:  # whatever it is, SciPy is there
            first = (str(error).splitlines() or [""])[0]
            return f"the native kernel fails here ({type(error).__name__}: {first})"
        if digest != table[name] and digest != digest_of(name, reference.run):
            return f"the native kernel's bits differ on this machine: {name}"
    return ""
