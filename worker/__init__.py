"""A server that filters one tile at a time."""
