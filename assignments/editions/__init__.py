"""From one source to the notebooks of students, markers and nbgrader, proven first."""
