"""`python -m coordinator` is `coord`."""

from coordinator.cli import main

main()
