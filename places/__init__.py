"""Opening, reading and writing places: what worker and coordinator must do alike.

A place is a store that both can open. This package does the input and output; it decides nothing,
knows no network, and raises `places.errors.PlaceError` in words for people, or OSError.
"""
