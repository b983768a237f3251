"""What students and instructors get to read: grades, feedback, an overview, items."""
