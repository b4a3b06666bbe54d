"""A lab host's processes: a full systemd in its own namespaces, started by systemd-nspawn."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from infra.bridge.errors import OperatorError
from infra.bridge.files import UMASK, write_whole
from infra.lab import cgroup
from infra.lab.disk import Disk
from infra.lab.processes import first_line, is_first, processes, read

BOOT_TIMEOUT_SECONDS = 90
STOP_TIMEOUT_SECONDS = 15
LOOK_EVERY_SECONDS = 1
SSH_PORT = 22
KEY_TIMEOUT_SECONDS = 3
CLEANING_UP = "Attempted to remove disk file system"
"""nspawn says it at its end where /run is on a disk, whatever it ended for."""

NSPAWN_STATE = Path("/run/systemd/nspawn")


@dataclass(frozen=True)
class Machine:
    """What runs.

    Args:
        name: Unique on this machine, 12 characters at most: nspawn names the host's link `vb-<name>`.
        hostname: What the host calls itself.
        bridge: The bridge it is attached to.
        address: Where its ssh answers.
        disk: Its file system, mounted.
    """

    name: str
    hostname: str
    bridge: str
    address: IPv4Address
    disk: Disk

    @property
    def port(self) -> str:
        """Its link on the bridge."""
        return port_of(self.name)

    @property
    def console(self) -> Path:
        """Where its console's output goes."""
        return self.disk.directory / "console.log"

    def start(self) -> None:
        """Boot it, in a session of its own, so that it outlives the command that made it; fine if it runs.

        Raises:
            OperatorError: A machine of this name runs from another disk.
        """
        if runs(self.disk):
            return
        other = disk_of(self.name)
        if other not in (None, self.disk.root):
            raise OperatorError(
                f"{self.hostname}: machine {self.name} runs already, from {other}; it stays as it is",
                next_command="fab status, and the stacks' settings: two hosts have this address",
            )
        self.stop()  # a supervisor that was killed leaves its host's processes behind
        argv = ["systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit", "--settings=no"]
        argv += [f"--machine={self.name}", f"--hostname={self.hostname}", f"--directory={self.disk.root}"]
        argv += [f"--network-bridge={self.bridge}", "--link-journal=no", "--console=pipe"]
        argv += ["--resolv-conf=off", "--timezone=off"]
        write_whole(machine_name_file(self.disk), self.name.encode())
        with self.console.open("ab") as console:
            subprocess.Popen(
                cgroup.started_in_own(self.name, argv),
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                start_new_session=True,
                cwd="/",
                umask=UMASK,
            )

    def wait_for_ssh(self) -> None:
        """Wait until ssh greets.

        Raises:
            OperatorError: It died, or did not greet in time; the message has the console's last line.
        """
        started = time.monotonic()
        look_at = started + LOOK_EVERY_SECONDS
        while not greets(self.address):
            now = time.monotonic()
            if now > look_at:
                look_at = now + LOOK_EVERY_SECONDS  # it takes reading what all processes are called
                if supervisor(self.disk) is None:
                    raise OperatorError(f"{self.hostname} did not boot: {self._last_words()}")
            if now - started > BOOT_TIMEOUT_SECONDS:
                raise OperatorError(
                    f"{self.hostname} did not answer ssh within {BOOT_TIMEOUT_SECONDS} s: {self._last_words()}",
                    next_command=f"tail {self.console}",
                )
            time.sleep(0.1)

    def stop(self) -> None:
        """End it at once, like a power cut; fine if it doesn't run."""
        end(self.disk)

    def _last_words(self) -> str:
        lines = [
            line
            for line in self.console.read_text(encoding="utf-8", errors="replace").splitlines()
            if line.strip() and CLEANING_UP not in line
        ]
        return lines[-1] if lines else "its console is silent"


def greets(address: IPv4Address, timeout_seconds: float = 1.0) -> bool:
    """Whether an ssh server greets at the address."""
    with contextlib.suppress(OSError), socket.create_connection((str(address), SSH_PORT), timeout_seconds) as link:
        link.settimeout(timeout_seconds)
        return link.recv(4) == b"SSH-"
    return False


def shows_key(address: IPv4Address, host_key: str) -> bool:
    """Whether an ssh server answers at the address, and it is the one with this key.

    Args:
        address: Where.
        host_key: Its public key, as in a known_hosts line without its first field.
    """
    kind = host_key.split(maxsplit=1)[0].removeprefix("ssh-")
    argv = ["ssh-keyscan", "-T", str(KEY_TIMEOUT_SECONDS), "-t", kind, str(address)]
    printed = subprocess.run(argv, capture_output=True, text=True, check=False).stdout
    return any(line.split()[1:] == host_key.split()[:2] for line in printed.splitlines())


def runs(disk: Disk) -> bool:
    """Whether the host's supervisor and its first process are both there: not yet whether it works."""
    return supervisor(disk) is not None and first_process(disk) is not None


def supervisor(disk: Disk) -> int | None:
    """The process id of the systemd-nspawn that runs the disk; None if there is none."""
    wanted = f"--directory={disk.root}"
    for pid in processes():
        arguments = read(pid, "cmdline").split("\0")
        if arguments[0] == "systemd-nspawn" and wanted in arguments:
            return pid
    return None


def disk_of(machine: str) -> Path | None:
    """The file system that a machine of this name runs from, on whatever disk; None if there is none."""
    for pid in processes():
        words = read(pid, "cmdline").split("\0")
        if words[0] == "systemd-nspawn" and f"--machine={machine}" in words:
            given = next((word for word in words if word.startswith("--directory=")), "")
            return Path(given.removeprefix("--directory="))
    return None


def payload(disk: Disk) -> tuple[int, ...]:
    """The processes whose `/` is this disk, whoever started them."""
    mark = f"upperdir={disk.upper},"
    roots = ((pid, first_line(pid, "mountinfo")) for pid in processes())
    return tuple(sorted(pid for pid, root in roots if mark in root and root.split(" ", 5)[4] == "/"))


def first_process(disk: Disk) -> int | None:
    """The host's own process 1, as this machine counts; None if the host is not up."""
    return next(filter(is_first, payload(disk)), None)


def end(disk: Disk) -> None:
    """End everything that runs on a disk, and clear what its supervisor leaves; fine if nothing does.

    Raises:
        OperatorError: Something of it is still there after 15 s.
    """
    deadline = time.monotonic() + STOP_TIMEOUT_SECONDS
    while victims := (*payload(disk), *filter(None, [supervisor(disk)])):
        for pid in victims:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)  # only where this very process started it
        if time.monotonic() > deadline:
            raise OperatorError(f"{disk.root}: processes {victims} could not be ended")
        time.sleep(0.02)
    _clear_traces(disk)


def _clear_traces(disk: Disk) -> None:
    """Remove what a killed supervisor leaves: with it, nspawn refuses to start the machine again."""
    file = machine_name_file(disk)
    name = file.read_text(encoding="ascii") if file.exists() else ""
    if name and disk_of(name) is None:  # otherwise the name, and the link, are another host's by now
        with contextlib.suppress(OSError):
            (NSPAWN_STATE / "propagate" / name).rmdir()
        cgroup.remove(name)
        # The kernel keeps it with the network namespace, and that for minutes where a connection's peer died too.
        subprocess.run(["ip", "link", "del", port_of(name)], capture_output=True, check=False)
    with contextlib.suppress(OSError):
        root = disk.root.stat()
        (NSPAWN_STATE / "locks" / f"inode-{root.st_dev}:{root.st_ino}").unlink()


def machine_name_file(disk: Disk) -> Path:
    """Where a host's directory keeps its machine's name."""
    return disk.directory / "machine"


def port_of(machine: str) -> str:
    """The link that systemd-nspawn makes for a machine."""
    return f"vb-{machine}"
