"""`python -m resnet train`: any network of the book, on one device or on many."""
