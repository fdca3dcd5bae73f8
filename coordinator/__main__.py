"""`python -m coordinator` is `coord`."""

from coordinator.cli.main import main

main()
