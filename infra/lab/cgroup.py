"""A control group for each lab host: without one of its own, all hosts' systemds would manage the same tree.

systemd-nspawn with --keep-unit makes its host's tree below the control group that it is started in. Hosts that share it
find each other's processes in `system.slice`, and fail to start or stop units at random (status 219/CGROUP).
"""

import contextlib
import os
import time
from collections.abc import Sequence
from pathlib import Path

from infra.bridge.files import make_directory

PARENT = "tegak"
REMOVE_SECONDS = 60
"""A limit, not a delay: where a million files are being removed beside it, the kernel takes longer than 5 s."""

JOIN = 'while [ "$1" != -- ]; do echo $$ > "$1"; shift; done; shift; exec "$@"'
"""Joins each control group named before the dashes, then becomes the command after them."""


def hierarchies() -> list[Path]:
    """Where the hierarchies that systemd uses are mounted: version 2's, and on older machines its own of version 1."""
    found: list[Path] = []
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        place, _, source = line.partition(" - ")
        kind, *_, options = source.split()
        if kind == "cgroup2" or (kind == "cgroup" and "name=systemd" in options.split(",")):
            found.append(Path(place.split()[4]))
    return found


def started_in_own(machine: str, argv: Sequence[str]) -> list[str]:
    """Make the machine's control groups, and return the command that runs another one in them."""
    groups = [root / PARENT / machine for root in hierarchies()]
    for group in groups:
        _make(group)
    return ["sh", "-c", JOIN, "sh", *(str(group / "cgroup.procs") for group in groups), "--", *argv]


def _make(group: Path) -> None:
    while not group.exists():
        with contextlib.suppress(FileNotFoundError):  # the last other machine went, and took the parent with it
            make_directory(group)


def remove(machine: str) -> None:
    """Remove the machine's control groups; what still has a process in the end stays."""
    deadline = time.monotonic() + REMOVE_SECONDS
    for root in hierarchies():
        group = root / PARENT / machine
        while group.exists() and time.monotonic() < deadline:
            for directory, _, _ in os.walk(group, topdown=False):
                with contextlib.suppress(OSError):  # the kernel counts a process for a moment after its end
                    Path(directory).rmdir()
            if group.exists():
                time.sleep(0.02)
        with contextlib.suppress(OSError):  # another machine has its group there
            (root / PARENT).rmdir()
