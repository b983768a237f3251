"""The course: three assignments, and the grader that runs what students hand in."""
