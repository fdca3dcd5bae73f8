"""Filters that have a row to say why they are refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

from tiling.errors import UnsupportedError

CALLABLE = "it calls a function of yours, and a worker runs no code that arrives over the network"
CONVERGENCE = "it goes on until nothing changes, and a change may run across the whole array"

REASONS = {
    "generic_filter": CALLABLE,
    "generic_filter1d": CALLABLE,
    "generic_laplace": CALLABLE,
    "generic_gradient_magnitude": CALLABLE,
    "vectorized_filter": CALLABLE,
    "binary_propagation": CONVERGENCE,
    "binary_fill_holes": CONVERGENCE,
}


def refuse(name: str) -> Callable[..., NoReturn]:
    """Return what refuses a filter, whatever its parameters."""

    def refusal(*args: object, **kwargs: object) -> NoReturn:  # noqa: ARG001
        raise UnsupportedError(f"{name} is refused: {REASONS[name]}")

    return refusal
