"""A stack's hosts as directories of this machine: their scripts run here, on logs and locks of their own."""

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from infra.bridge.inventory import Host, Inventory
from roles.hosts.connection import HostError, Remote, UnreachableError
from roles.hosts.fleet import Fleet
from roles.hosts.state import HostState, Observation
from roles.on_host.log import read_digest
from roles.scripts import layout
from roles.scripts.quoting import Script
from tests.unit.roles.fleets import said_by


def here(text: Script, directory: Path) -> str:
    """A script for a host that is a directory."""
    return text.text.replace(str(layout.OWN), str(directory))


@dataclass
class LocalHost:
    """A host that is a directory.

    Attributes:
        name: Its name.
        directory: What would be /var/lib/tegak.
        answers: Whether it does.
    """

    name: str
    directory: Path
    answers: bool = True

    @property
    def log(self) -> Path:
        """Its audit log."""
        return self.directory / layout.LOG.name

    def run(self, step: str, text: Script, stdin: bytes | BinaryIO | None = None) -> str:
        """Run a script, as `Remote` does."""
        if not self.answers:
            raise UnreachableError(self.name, step, "does not answer")
        given = stdin if isinstance(stdin, bytes) or stdin is None else stdin.read()
        done = subprocess.run(["bash", "-c", here(text, self.directory)], input=given, capture_output=True, check=False)
        if done.returncode != 0:
            raise HostError(self.name, step, done.stderr.decode().strip())
        return done.stdout.decode()

    def state(self) -> HostState:
        """What its log says."""
        return HostState(log=said_by(read_digest(str(self.log), str(self.directory / layout.DECISIVE.name))))


@dataclass(frozen=True)
class LocalStack:
    """Such hosts together."""

    inventory: Inventory
    hosts: dict[str, LocalHost]

    @classmethod
    def of(cls, inventory: Inventory, directory: Path) -> "LocalStack":
        """The hosts of an inventory, below a directory."""
        return cls(inventory, {host.name: LocalHost(host.name, directory / host.name) for host in inventory.hosts})

    @property
    def fleet(self) -> Fleet:
        """The hosts, as tasks reach them."""
        return Fleet(self.inventory, {name: cast("Remote", host) for name, host in self.hosts.items()})

    @property
    def answering(self) -> list[Host]:
        """Those that answer."""
        return [host for host in self.inventory.hosts if self.hosts[host.name].answers]

    def observe(self) -> Observation:
        """What their logs say."""
        states = {host.name: self.hosts[host.name].state() for host in self.answering}
        return Observation(self.inventory, states, {}, {}, {})
