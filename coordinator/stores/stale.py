"""Metadata that a filter makes untrue: what files say of the very samples that they hold."""

from __future__ import annotations

NAMES = frozenset(
    (
        *("actual_range", "valid_range", "valid_min", "valid_max"),  # netCDF
        *("min", "max", "minimum", "maximum", "ranges", "mean", "std", "histogram"),
        *("datamin", "datamax", "checksum", "datasum"),  # FITS
        *("cal_min", "cal_max", "glmin", "glmax"),  # NIfTI
    )
)
"""In lower case."""

STARTS = "statistics_"
"""Of GDAL's names."""


def is_stale(name: str) -> bool:
    """Tell whether what is said under a name is of other samples once these are filtered.

    Examples
    --------
    >>> is_stale("DATAMAX"), is_stale("STATISTICS_MEAN"), is_stale("units")
    (True, True, False)
    """
    return name.lower() in NAMES or name.lower().startswith(STARTS)
