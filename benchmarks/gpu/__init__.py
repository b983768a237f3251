"""What the book promises of GPUs, measured in ten minutes on one: `python -m benchmarks.gpu`."""
