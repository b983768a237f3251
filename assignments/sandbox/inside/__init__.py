"""The files that run inside the enclosure, beside students' code, and nothing else."""
