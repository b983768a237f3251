"""Says what is wrong with a block or a network of your own: `check.residual`, `check.network`."""

from ..faces import face

__getattr__, __dir__ = face(__name__)
