"""Which addresses each subnet of a VPC has: computed from the settings, the same on every run."""

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

MOST_ZONES = 3
PRIVATE_BITS, PUBLIC_BITS = 2, 4
"""A private subnet is a quarter of the VPC, a public one a quarter of the fourth quarter.

A /20 then has room for 1,000 hosts in each zone, and for 250 addresses of the load balancer, which grows.
"""

IPV6_SUBNET_PREFIX = 64
"""The only size that a subnet's IPv6 addresses may have in AWS."""


@dataclass(frozen=True)
class VpcPlan:
    """The subnets of a VPC.

    Zones are counted from 1. A zone's subnets depend on its number alone, so that they stay when zones are added.

    Args:
        network: The VPC's IPv4 addresses.
    """

    network: IPv4Network

    def private(self, zone: int) -> IPv4Network:
        """The addresses of a zone's hosts."""
        return list(self.network.subnets(PRIVATE_BITS))[_index(zone)]

    def public(self, zone: int) -> IPv4Network:
        """The addresses of a zone's part of the load balancer."""
        last_quarter = list(self.network.subnets(PRIVATE_BITS))[MOST_ZONES]
        return list(last_quarter.subnets(PUBLIC_BITS - PRIVATE_BITS))[_index(zone)]


def private_ipv6(network: IPv6Network, zone: int) -> IPv6Network:
    """The IPv6 addresses of a zone's hosts.

    Args:
        network: What AWS gave the VPC, a /56.
        zone: The zone, counted from 1.
    """
    return list(network.subnets(new_prefix=IPV6_SUBNET_PREFIX))[_index(zone)]


def _index(zone: int) -> int:
    if not 1 <= zone <= MOST_ZONES:
        raise ValueError(f"zone {zone} is not one of 1 to {MOST_ZONES}")
    return zone - 1
