"""Kernels: the same passes computed three ways, one meaning."""
