"""The workers that a user lists: addresses, token, certificates, attestation."""
