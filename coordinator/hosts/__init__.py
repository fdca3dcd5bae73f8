"""The hosts file and the trust in workers: addresses, token, certificates, attestation."""

HOSTS_FILE = "hosts.toml"
"""Looked for by the commands that are about a fleet, where nothing names another."""
