"""Names of the wire codecs that a user may choose for blocks between coordinator and workers."""

from __future__ import annotations

from typing import Literal, TypeAlias

Codec: TypeAlias = Literal["auto", "none", "narrow", "lz4", "zstd"]
"""See `coordinator.engines.http.link`."""
