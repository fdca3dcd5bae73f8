"""The mathematics of tiles: values and pure functions; no I/O, no clock, no logging."""
