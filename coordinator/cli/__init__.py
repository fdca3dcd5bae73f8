"""The command line `coord`."""
