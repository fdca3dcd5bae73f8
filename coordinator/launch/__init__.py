"""Workers that are started and stopped from here: on this machine, by ssh, by Slurm."""
