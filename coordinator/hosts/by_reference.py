"""Whether tiles travel by reference, where workers can open the files themselves."""

from __future__ import annotations

from typing import Literal, TypeAlias

ByReference: TypeAlias = Literal["auto", "never", "require"]
"""auto: at each worker that can. require: a worker that can't is left out."""
