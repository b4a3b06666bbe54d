"""A folder for what is being made: of its own, gone afterwards, and removed by the next one where its maker died.

Its maker keeps it locked, and the kernel takes the lock from whoever dies, in whatever way: what nobody keeps is left.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

PREFIX = ".half-made-"


@contextmanager
def half_made(target: Path) -> Generator[Path, None, None]:
    """A new folder in `target`; two at once share nothing.

    Args:
        target: The directory; made, if it isn't there.
    """
    target.mkdir(parents=True, exist_ok=True)
    with ExitStack() as until_made:
        with _locked(target):  # nobody finds the new folder before it is locked
            for left in target.glob(f"{PREFIX}*"):
                with suppress(FileNotFoundError, BlockingIOError), _locked(left, fcntl.LOCK_NB):
                    shutil.rmtree(left, ignore_errors=True)
            folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=target))
            until_made.enter_context(_locked(folder))
        until_made.callback(shutil.rmtree, folder, ignore_errors=True)
        yield folder


@contextmanager
def _locked(directory: Path, how: int = 0) -> Generator[None, None, None]:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | how)
        yield
    finally:
        os.close(descriptor)
