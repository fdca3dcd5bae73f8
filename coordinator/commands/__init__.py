"""The commands around a run: before it, after it, and about the fleet."""
