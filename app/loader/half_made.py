"""A folder for what is being made: of its own, gone afterwards, and removed by the next one where its maker died."""

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = ".half-made-"
LOCK = "lock"
YOUNG_SECONDS = 60
"""Younger ones are let alone: their maker may not have its lock yet."""


@contextmanager
def half_made(target: Path) -> Generator[Path, None, None]:
    """A new folder in `target`; two at once share nothing."""
    target.mkdir(parents=True, exist_ok=True)
    for folder in target.glob(f"{PREFIX}*"):
        _remove_if_left(folder)
    with tempfile.TemporaryDirectory(prefix=PREFIX, dir=target) as name, (Path(name) / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield Path(name)


def _remove_if_left(folder: Path) -> None:
    with suppress(FileNotFoundError, BlockingIOError):
        if time.time() - folder.stat().st_mtime < YOUNG_SECONDS:
            return
        lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(lock)
