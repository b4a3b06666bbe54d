"""A host as the program knows it, whatever the kind of its location."""

from collections.abc import Sequence
from dataclasses import dataclass

from pulumi import Output

from infra.bridge.inventory import Kind

SSH_PORT, SSH_USER = 22, "deploy"


@dataclass(frozen=True)
class HostOutputs:
    """A host as the inventory will show it; only the host keys are known no earlier than the host.

    Args:
        name: The host's name.
        location: The location's name.
        kind: Where it comes from.
        role: What it becomes, beside `base`.
        address: Where ssh reaches it.
        host_keys: Its public ssh keys, known once it is there.
        ssh_port: TCP port of its ssh.
        ssh_user: Who logs in.
        accounts: Users beside that one that its owner keeps there.
    """

    name: str
    location: str
    kind: Kind
    role: str
    address: str
    host_keys: Output[Sequence[str]]
    ssh_port: int = SSH_PORT
    ssh_user: str = SSH_USER
    accounts: Sequence[str] = ()

    @property
    def entry(self) -> Output[dict[str, object]]:
        """Its part of the inventory."""
        own: dict[str, object] = {
            "name": self.name,
            "location": self.location,
            "kind": self.kind,
            "roles": ["base", self.role],
            "address": self.address,
            "ssh_port": self.ssh_port,
            "ssh_user": self.ssh_user,
            "accounts": list(self.accounts),
        }
        return self.host_keys.apply(lambda keys: {**own, "host_keys": list(keys)})
