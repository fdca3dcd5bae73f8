"""The hosts file and the trust in workers: addresses, token, certificates, attestation."""
