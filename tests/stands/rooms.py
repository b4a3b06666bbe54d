"""Room for a test's stack on this machine: a number that nobody else has, and with it a network and names.

Tests run side by side, in several processes and from several checkouts. Whoever takes a room first clears what a run
that died has left in any room that is free: commands, hosts, mounts, bridges, routes, files.
"""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Interface, IPv4Network
from pathlib import Path
from typing import TextIO

from infra.addresses import TEST_RANGE
from infra.lab.claim import stacks_here, sweep
from infra.lab.processes import processes, read

PROJECT = Path(__file__).resolve().parents[2]
LOCKS = Path("/run/lock")
MARK = "TEGAK_TEST_ROOM"
"""In the environment of every command that is started for a stack of a test: its room's number."""

NETWORKS = tuple(TEST_RANGE.subnets(new_prefix=20))
NUMBERS = range(len(NETWORKS) - 1, 0, -1)
"""From the end: people begin at the start, and the first one is `lokal`'s."""


@dataclass(frozen=True)
class Room:
    """A part of this machine.

    Args:
        number: Which one.
    """

    number: int

    @property
    def network(self) -> IPv4Network:
        """Its part of the lab's range."""
        return NETWORKS[self.number]

    def name(self, what: str) -> str:
        """The name of a stack in it: of the kind that git ignores."""
        return f"uji{self.number}-{what}"

    def clear(self) -> None:
        """End and remove everything that is in it; fine if there is nothing."""
        for pid in processes():
            if f"{MARK}={self.number}" in read(pid, "environ").split("\0"):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)  # an engine would make hosts while they are cleared
        for stack in stacks_here():
            if stack.startswith(self.name("")):
                sweep(stack)
        for place in (".cache/tests", ".cache"):
            for directory in (PROJECT / place).glob(self.name("*")):
                shutil.rmtree(directory, ignore_errors=True)
        for settings in (PROJECT / "stacks").glob(f"Pulumi.{self.name('*')}.yaml"):
            settings.unlink(missing_ok=True)


@contextmanager
def room() -> Generator[Room, None, None]:
    """A room that is free: cleared before, and in the end."""
    taken: tuple[Room, TextIO] | None = None
    for number in NUMBERS:
        lock = _lock(number)
        if lock is None:
            continue
        free = Room(number)
        free.clear()
        if taken is None and not _is_used(free.network):
            taken = free, lock
        else:
            lock.close()
    assert taken, "no room is free: too many tests at once on this machine"
    found, lock = taken
    try:
        yield found
    finally:
        found.clear()
        lock.close()


def _lock(number: int) -> TextIO | None:
    """The lock of a room: the kernel frees it when its holder dies. None where somebody has it."""
    lock = (LOCKS / f"tegak-test-room-{number}").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock


def _is_used(network: IPv4Network) -> bool:
    """Whether a stack that is no test's has its place there."""
    links = json.loads(subprocess.check_output(["ip", "-json", "-4", "address", "show"], text=True))
    addresses = [info for link in links for info in link.get("addr_info", [])]
    return any(network.overlaps(IPv4Interface(f"{each['local']}/{each['prefixlen']}").network) for each in addresses)
