"""This machine's processes, any of which may end between two lines that look at it."""

from collections.abc import Iterator
from pathlib import Path

PROC = Path("/proc")


def processes() -> Iterator[int]:
    """The ids of all processes; each may have ended by the time that it is looked at."""
    return (int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit())


def read(pid: int, file: str) -> str:
    """What the kernel says of a process: nothing where it has ended.

    Args:
        pid: Its id.
        file: One of the files that it has in /proc.
    """
    try:
        return (PROC / str(pid) / file).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def first_line(pid: int, file: str) -> str:
    """The first line of what the kernel says of a process, which then needn't say the rest.

    Args:
        pid: Its id.
        file: One of the files that it has in /proc.
    """
    try:
        with (PROC / str(pid) / file).open(encoding="utf-8", errors="replace") as lines:
            return lines.readline().rstrip("\n")
    except OSError:
        return ""


def is_first(pid: int) -> bool:
    """Whether it is process 1 in its own namespace."""
    return any(line.startswith("NSpid:") and line.endswith("\t1") for line in read(pid, "status").splitlines())
