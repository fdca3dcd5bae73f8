"""Decisions about tiles and workers, without I/O: events in, instructions out."""
