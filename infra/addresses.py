"""Which address each thing of a stack has: computed from the settings, the same on every run."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

TEST_RANGE = IPv4Network("198.18.0.0/15")
"""The lab's addresses: reserved for tests of networks (RFC 2544), never routed in public."""

EDGE_NETWORK = 0
GATEWAY = 1
LOAD_BALANCER = 10
FIRST_APP_HOST = 21


@dataclass(frozen=True)
class NetworkPlan:
    """The addresses of one /24 network of a stack."""

    network: IPv4Network

    @property
    def bridge(self) -> str:
        """The bridge's name, from its address: unique on the machine, and within 15 characters."""
        octets = self.network.network_address.packed
        return f"tg{octets[1]}-{octets[2]}"

    @property
    def gateway(self) -> IPv4Interface:
        """The bridge's own address."""
        return IPv4Interface(f"{self.network[GATEWAY]}/{self.network.prefixlen}")

    @property
    def load_balancer(self) -> IPv4Address:
        """The load balancer's address, or the edge host's in the edge's network."""
        return self.network[LOAD_BALANCER]

    def app_host(self, number: int) -> IPv4Address:
        """The address of the location's n-th app host, counted from 1."""
        return self.network[FIRST_APP_HOST + number - 1]

    def machine(self, address: IPv4Address) -> str:
        """The name of the machine at the address, unique on this machine and within 12 characters."""
        return f"{self.bridge}-{address.packed[3]}"


def network_plan(stack_network: IPv4Network, number: int) -> NetworkPlan:
    """The n-th /24 of a stack's network; number 0 is the edge's."""
    return NetworkPlan(list(stack_network.subnets(new_prefix=24))[number])
