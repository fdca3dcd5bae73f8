"""Access control: token, host names and TLS."""
