"""`python -m resnet train`: any network of the book, on one device or on many."""

from ..faces import face

__getattr__, __dir__ = face(__name__)
