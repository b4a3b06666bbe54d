"""Several processes at one socket: what makes a page is Python, and that uses one processor at a time."""

import ctypes
import os
import signal
from collections.abc import Callable, Collection

END_WITH_PARENT = 1
"""prctl's PR_SET_PDEATHSIG: the kernel ends a process whose first one was killed."""


def run(serve: Callable[[], None], count: int) -> int:
    """Serve in several processes until told to stop (SIGTERM, SIGINT); answers that have begun are finished.

    One that dies takes the others along: systemd sees it, and so does whoever judges a release by how often its service
    was started again.

    Args:
        serve: Serves until SIGTERM. It runs in each process, with all that this one has loaded.
        count: How many.

    Returns:
        The exit code.
    """
    waited = {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, waited)
    children = [_start(serve, before) for _ in range(count)]
    told = signal.sigwait(waited) != signal.SIGCHLD
    for child in children:
        os.kill(child, signal.SIGTERM)
    for child in children:
        os.waitpid(child, 0)
    return 0 if told else 1


def _start(serve: Callable[[], None], mask: Collection[int]) -> int:
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        ctypes.CDLL(None).prctl(END_WITH_PARENT, signal.SIGTERM)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        if os.getppid() == parent:
            serve()
            code = 0
    finally:
        os._exit(code)  # what this one has of the first process's is not to be tidied up twice
