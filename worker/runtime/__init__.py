"""Threads, memory, jobs and metrics of a worker."""
