"""What students handed in: the export of a platform, a notebook, its answers."""
