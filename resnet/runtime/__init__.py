"""Where a run happens and what it leaves: device and precision, checkpoints, files."""

from ..faces import face

__getattr__, __dir__ = face(__name__)
