"""What the rest of the program sees of a location and of the edge, whatever their kind."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from pulumi import Output

from infra.hosts import HostOutputs

HTTP_PORT, HTTPS_PORT = 80, 443


class LocationOutputs(Protocol):
    """A place with its own load balancer and app hosts.

    `hosts` are those that the program knows; those of a group, which come and go, are found when a task starts.
    `entry` is the location's part of the inventory.
    """

    hosts: Sequence[HostOutputs]
    entry: Output[Mapping[str, object]]


class EdgeOutputs(Protocol):
    """The tier in front of all locations: the one address that the public knows.

    `hosts` are those that are the edge's alone. `ca_certificate` is the authority of its certificate, in PEM, where it
    is no public one. `entry` is its part of the inventory.
    """

    url: str
    hosts: Sequence[HostOutputs]
    ca_certificate: Output[str] | None
    entry: Output[Mapping[str, object]]


def balanced(name: str, kind: str, address: str, *, behind_cdn: bool = False) -> Output[Mapping[str, object]]:
    """The inventory's part of a location whose load balancer is a host of its own."""
    endpoint = {"address": address, "port": HTTPS_PORT if behind_cdn else HTTP_PORT}
    return Output.from_input({"name": name, "kind": kind, "endpoint": endpoint, "behind_cdn": behind_cdn})
