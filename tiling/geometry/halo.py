"""The samples that a filter needs round its output."""

from __future__ import annotations

from dataclasses import dataclass

from tiling.errors import BadValueError


@dataclass(frozen=True, slots=True)
class Halo:
    """Samples needed before and after each output sample, per axis.

    ``rrr|wwwwww|rr`` is a tile of six samples with the halo ``before=(3,), after=(2,)``.

    Examples
    --------
    >>> Halo((1, 0), (2, 0)) + Halo((1, 1), (1, 1))
    Halo(before=(2, 1), after=(3, 1))
    """

    before: tuple[int, ...]
    after: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.before) != len(self.after) or min((*self.before, *self.after), default=0) < 0:
            raise BadValueError(f"not a halo: {self.before}, {self.after}")

    @classmethod
    def none(cls, ndim: int) -> Halo:
        """Return the halo of a filter that looks at one sample only.

        Parameters
        ----------
        ndim : int
            Axes of the array.
        """
        return cls((0,) * ndim, (0,) * ndim)

    def __add__(self, other: Halo) -> Halo:
        """Return the halo of one filter after another."""
        return Halo(
            tuple(a + b for a, b in zip(self.before, other.before, strict=True)),
            tuple(a + b for a, b in zip(self.after, other.after, strict=True)),
        )

    def __or__(self, other: Halo) -> Halo:
        """Return the halo of two filters that read the same array.

        >>> Halo((1, 0), (2, 0)) | Halo((0, 3), (3, 0))
        Halo(before=(1, 3), after=(3, 0))
        """
        return Halo(
            tuple(map(max, self.before, other.before)), tuple(map(max, self.after, other.after))
        )
