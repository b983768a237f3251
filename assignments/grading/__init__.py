"""What each part of one submission is worth, and why."""
