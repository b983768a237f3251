"""Which worker takes which tests; known only where xdist is."""

from xdist.scheduler import LoadFileScheduling

from tests.support.workers import NOTEBOOK_RUNS


class Sharing(LoadFileScheduling):
    """A file stays in one worker, so that what it builds is built once; notebooks are spread.

    It goes by a test's name alone: with pytest 9.2, xdist 3.8 no longer sees groups by mark.
    """

    def _split_scope(self, nodeid: str) -> str:
        return nodeid if NOTEBOOK_RUNS in nodeid else super()._split_scope(nodeid)
