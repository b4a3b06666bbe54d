"""A host as the program knows it, whatever the kind of its location."""

from dataclasses import dataclass

from pulumi import Output


@dataclass(frozen=True)
class HostOutputs:
    """A host as the inventory will show it; only the host key is known no earlier than the host.

    Args:
        name: The host's name.
        location: The location's name.
        role: What it becomes, beside `base`.
        address: Where ssh reaches it.
        host_key: Its public ssh key.
    """

    name: str
    location: str
    role: str
    address: str
    host_key: Output[str]
