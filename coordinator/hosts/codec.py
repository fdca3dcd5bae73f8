"""What blocks may travel in between coordinator and workers: the user's choice."""

from __future__ import annotations

from typing import Literal, TypeAlias

Codec: TypeAlias = Literal["auto", "none", "narrow", "lz4", "zstd"]
"""See `coordinator.engines.http.link`."""
