"""Tokens, TLS and the right to use a worker."""
