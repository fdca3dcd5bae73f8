"""The wire format: headers of tiles, tokens, and `.npy` files."""
