"""Boxes, halos, grids and plans: how an array is cut into tiles."""
