"""What a process of a pool owes to the one that began it."""

import multiprocessing
import os
import signal
import threading


def follow_parent() -> None:
    """A worker leaves Ctrl-C to its parent and ends when that is gone, killed included."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()

    def end() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=end, daemon=True).start()
