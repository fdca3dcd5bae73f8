"""One module for each thing that a user does, without a command line."""
