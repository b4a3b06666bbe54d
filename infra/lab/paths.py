"""Where the lab keeps its things on this machine."""

from pathlib import Path

IMAGE_CACHE = Path("/var/cache/tegak/images")
"""Root file systems, one per package list; shared by all stacks and kept between them."""

STACKS = Path("/var/lib/tegak/lab")
"""A directory per running stack: its owner's mark, its keys, its hosts' disks and logs."""

LOCK = Path("/run/lock/tegak-lab.lock")
"""Held while something is changed that stacks share (the image cache, the unreachable route)."""


def stack_directory(stack: str) -> Path:
    """The directory of a stack's lab."""
    return STACKS / stack


def host_directory(stack: str, host: str) -> Path:
    """The directory of one host: its disk, its console log."""
    return STACKS / stack / "hosts" / host
