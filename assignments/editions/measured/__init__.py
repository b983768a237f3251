"""What was trained once for the assignments and comes with the package."""
