"""Where blocks are read from and written to."""
