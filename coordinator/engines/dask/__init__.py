"""The dask engine: a cluster that the user has computes tiles, which our dispatcher hands out."""
