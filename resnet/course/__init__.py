"""What students are given in the three assignments, drawn for each from their id."""
