"""Side by side with d2l and torchvision, in one run on one machine: `python -m benchmarks`."""
