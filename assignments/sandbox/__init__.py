"""Students' code, run where it can read and reach nothing: enclosures and their limits."""
