"""Blocks that differ from the book's by one change, and the family of ResNet-18 to 152."""

from ..faces import face

__getattr__, __dir__ = face(__name__)
