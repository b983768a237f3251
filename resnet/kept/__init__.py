"""Which kept run a call takes up again: the one that all its numbers depend on, and no other."""
