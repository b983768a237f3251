"""What keeps the book: environment, rendering, notebooks, bands. `python -m tools help`."""
