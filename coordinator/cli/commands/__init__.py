"""The commands of `coord`, imported on demand by `coordinator.cli.main`."""
