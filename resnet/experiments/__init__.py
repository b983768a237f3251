"""Grids of many runs, what is measured in each, and the claims that rest on them."""

from ..faces import face

__getattr__, __dir__ = face(__name__)
