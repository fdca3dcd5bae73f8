"""Run the command `worker` as ``python -m worker``."""

from worker.cli import main

main()
