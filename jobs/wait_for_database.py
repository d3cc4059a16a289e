"""Waits until there is a database, in as little time and memory as a Python process can.

Run as a program by `worker.start_embedded`: without the file there is no job, so
that a service that only predicts is spared a worker. Then it becomes the
supervisor of one.
"""

import os
import signal
import sys
import time


def wait(parent: int, file: str) -> bool:
    """Return True when the file is there, False when the parent is gone."""
    while not os.path.exists(file):
        if os.getppid() != parent:
            return False
        time.sleep(0.5)
    return True


if __name__ == "__main__":
    # Ctrl-C reaches everything in the terminal; this ends with its parent.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent, file, *command = sys.argv[1:]
    if wait(int(parent), file):
        os.execv(command[0], command)  # noqa: S606 - the words are worker.py's own
