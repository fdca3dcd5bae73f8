"""The form in which a block travels: its samples in a smaller type, packed, or as they are.

Two headers say so, in a question and in its answer; without them a body is the plain samples::

    Tilefan-Codec   narrow-u1          the samples travel as unsigned bytes
                    lz4                ... in a Blosc container, LZ4 behind a shuffle of bytes
                    narrow-u2+zstd     ... as two bytes each, packed by Zstandard
    Tilefan-Accept  narrow,lz4         of a question: the forms that its answer may have

Digests are over the plain samples, so they tell nothing of the form, and are as good as without.
How many bytes the samples take is known from shape and dtype before a body is read, so none can
unfold to more. Nobody is sent a form that it does not announce (``codecs`` in a worker's health).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np

from tiling.dtypes import Array, Dtype
from tiling.errors import WireError
from tiling.protocol.narrow import narrowed, narrower
from tiling.protocol.packing import LEVELS, packed, packers, unpack
from tiling.protocol.wire import Headers

CODEC: Final = "Tilefan-Codec"

ACCEPT: Final = "Tilefan-Accept"

NARROWING: Final = "narrow"

CODECS: Final = (NARROWING, *LEVELS)
"""All that there are, by name."""


def codecs() -> tuple[str, ...]:
    """Return those of `CODECS` that this process can read and write."""
    return (NARROWING, *sorted(packers()))


@dataclass(frozen=True, slots=True)
class Form:
    """What travels in the place of a block's samples.

    Parameters
    ----------
    whole : numpy.dtype
        Of the block.
    dtype : numpy.dtype
        Of the samples that travel.
    packer : str
        What they are packed by; empty if they are not.

    Examples
    --------
    >>> Form(np.dtype("<i4"), np.dtype("<u2"), "zstd").fields()
    {'Tilefan-Codec': 'narrow-u2+zstd'}
    """

    whole: Dtype
    dtype: Dtype
    packer: str = ""

    @property
    def parts(self) -> tuple[str, ...]:
        """The codecs that made it; none of plain samples."""
        narrow = () if self.dtype == self.whole else (NARROWING,)
        return (*narrow, self.packer) if self.packer else narrow

    @property
    def name(self) -> str:
        """Its name on the wire; empty for plain samples."""
        return "+".join(self.parts).replace(NARROWING, f"{NARROWING}-{self.dtype.str[1:]}")

    def fields(self) -> dict[str, str]:
        """Return the header; none for plain samples."""
        return {CODEC: self.name} if self.parts else {}

    @classmethod
    def parse(cls, headers: Headers, whole: Dtype, accepted: Collection[str]) -> Form:
        """Read the form of a block.

        Parameters
        ----------
        headers : Headers
            Not checked.
        whole : numpy.dtype
            Of the block.
        accepted : collection of str
            The `CODECS` that it may have.

        Raises
        ------
        WireError
            If there is no such form, or it is not accepted.
        """
        form = _forms(whole).get(name := headers.get(CODEC, ""))
        if form is None or not set(form.parts) <= set(accepted):
            raise WireError(f"{CODEC}: {name[:40]!r} is not taken for a block of {whole}")
        return form

    def check_length(self, length: int, samples: int) -> None:
        """Refuse a body of another length than this form of so many samples can have.

        Raises
        ------
        WireError
        """
        size = samples * self.dtype.itemsize
        if length >= size if self.packer else length != size:
            wanted = f"fewer than {size}" if self.packer else f"{size}"
            raise WireError(f"a body of {length} bytes: the block has {wanted}")

    def beside_bytes(self, length: int, samples: int) -> int:
        """Return the memory that a body of this length takes until it is decoded, in bytes.

        Besides that of the samples, which it shares if it is plain.
        """
        if len(self.parts) > 1:
            return length + samples * self.dtype.itemsize
        return length if self.parts else 0

    def decode(self, body: memoryview, samples: Array) -> None:
        """Turn a body of the right length into a block's samples.

        Parameters
        ----------
        body : memoryview
        samples : ndarray, shape (n,)
            Receives them; contiguous.

        Raises
        ------
        WireError
            If it can't be unpacked.
        """
        if not self.packer:
            samples[...] = np.frombuffer(body, self.dtype)
        elif self.dtype == self.whole:
            unpack(body, samples)
        else:
            small = np.empty(len(samples), self.dtype)
            unpack(body, small)
            samples[...] = small


@cache
def _forms(whole: Dtype) -> Mapping[str, Form]:
    dtypes = (whole, *narrower(whole))
    forms = (Form(whole, dtype, packer) for dtype in dtypes for packer in ("", *LEVELS))
    return {form.name: form for form in forms}


def encode(samples: Array, accepted: Collection[str]) -> tuple[Form, memoryview]:
    """Return the smallest form of samples that is accepted and worth it, and its body.

    Parameters
    ----------
    samples : ndarray, shape (n,)
        Contiguous, little-endian.
    accepted : collection of str
        Of `CODECS`.
    """
    small = narrowed(samples) if NARROWING in accepted else None
    small = samples if small is None else small
    for packer in LEVELS:
        if packer in accepted and (body := packed(small, packer)) is not None:
            return Form(samples.dtype, small.dtype, packer), body
    return Form(samples.dtype, small.dtype), small.view(np.uint8).data


def parse_accepted(headers: Headers) -> tuple[str, ...]:
    """Return what the asker takes and this process has; the rest is as good as not said.

    Parameters
    ----------
    headers : Headers
        Of a request, not checked.

    Examples
    --------
    >>> parse_accepted({ACCEPT: "narrow,lzma"})
    ('narrow',)
    """
    said = headers.get(ACCEPT, "")[:80].split(",")
    return tuple(name for name in codecs() if name in said)


def accept(names: Collection[str]) -> dict[str, str]:
    """Return the header of a question whose answer may have these codecs."""
    return {ACCEPT: ",".join(names)} if names else {}
