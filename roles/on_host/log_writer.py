"""Runs on a host, with its own Python and nothing else: adds standard input's lines to the host's audit log.

Arguments: the log, and the file beside it (see log.py, which stands before this program). Prints the highest order that
was in the log before. The lines are on the disk when it ends well; where they can't be, none of them is in the log.
"""

import contextlib
import fcntl
import json
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from roles.on_host.log import Digest, read_digest, tail_sum  # noqa: TC004  # it stands before this program


def keep(path: str, digest: "Digest", log: "BinaryIO") -> None:
    """Keep a digest, if there is room for it: whole or not at all."""
    document = {
        "read_bytes": digest.read_bytes,
        "tail_sum": tail_sum(log, digest.read_bytes),
        "refused": digest.refused,
        "newest": digest.newest,
        "order": digest.order,
        "decisive": digest.entries(),
    }
    new = f"{path}.new"
    try:
        with open(new, "w", encoding="ascii") as file:
            file.write(json.dumps(document))
        os.replace(new, path)
    except OSError:
        # The next look reads from the log what it lacks.
        with contextlib.suppress(OSError):
            os.remove(new)


def is_torn(log: "BinaryIO") -> bool:
    """Whether a log ends with half a line."""
    end = log.seek(0, os.SEEK_END)
    log.seek(max(0, end - 1))
    return log.read(1) not in {b"", b"\n"}


def add(log: "BinaryIO", text: bytes) -> None:
    """Write at the end of a log, to the disk; or leave it as it was."""
    end = log.seek(0, os.SEEK_END)
    left = text
    try:
        while left:
            left = left[os.write(log.fileno(), left) :]
        os.fsync(log.fileno())
    except OSError:
        os.ftruncate(log.fileno(), end)
        raise


def main() -> None:
    """Add the lines."""
    path, beside = sys.argv[1:3]
    text = sys.stdin.buffer.read()
    with open(path, "a+b", buffering=0) as log:
        fcntl.flock(log, fcntl.LOCK_EX)
        digest = read_digest(path, beside)
        before = digest.order
        if is_torn(log):
            text = b"\n" + text  # what a power cut left of a line stays a line of its own
        try:
            add(log, text)
        except OSError as error:
            sys.exit(f"{path}: {error.strerror}; nothing was added to it")
        for line in text.split(b"\n")[:-1]:
            digest.take(line + b"\n")
        keep(beside, digest, log)
    sys.stdout.write(f"{before}\n")


main()
