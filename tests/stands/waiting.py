"""Waiting for what another process does."""

import time
from collections.abc import Callable


def until(reached: Callable[[], bool], seconds: float = 10) -> None:
    """Wait for something; a failure if it takes too long."""
    end = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < end
        time.sleep(0.01)
