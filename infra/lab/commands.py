"""Running the system's own tools, so that a failure is one sentence."""

import fcntl
import subprocess
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from infra.bridge.errors import OperatorError
from infra.bridge.files import UMASK, make_directory

DISK_FULL = "No space left on device"


def run(argv: Sequence[str], *, step: str, stdin: str | None = None, timeout_seconds: float = 60) -> str:
    """Run a command to its end and return what it printed.

    Args:
        argv: The command and its arguments; no shell is involved.
        step: What is being done, for the error's sentence.
        stdin: Text for its standard input.
        timeout_seconds: When to give up.

    Raises:
        OperatorError: It is not installed, took too long or failed; the message ends with its last words.
    """
    try:
        result = subprocess.run(
            list(argv), input=stdin, capture_output=True, text=True, timeout=timeout_seconds, check=False, umask=UMASK
        )
    except FileNotFoundError as error:
        raise OperatorError(f"{step}: '{argv[0]}' is not installed", next_command="make setup") from error
    except subprocess.TimeoutExpired as error:
        raise OperatorError(f"{step}: '{argv[0]}' did not end within {timeout_seconds:.0f} s") from error
    if result.returncode != 0:
        words = (result.stderr or result.stdout).strip().splitlines()
        last = words[-1] if words else f"exit code {result.returncode}"
        if DISK_FULL in result.stderr:
            raise OperatorError(f"{step}: the disk is full", next_command="df -h /var /tmp")
        raise OperatorError(f"{step}: {last}")
    return result.stdout


@contextmanager
def locked(path: Path) -> Generator[None, None, None]:
    """Hold an advisory lock on a file; the kernel frees it when the process dies."""
    make_directory(path.parent)
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
