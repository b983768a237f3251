"""What a person marks: the rubric, anonymous sheets, the marks read back."""
