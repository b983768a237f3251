"""What images are trained on: folders of photographs, how they are listed, read and divided."""
