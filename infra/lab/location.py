"""What a stack has of kind `lab`: locations and an edge, on this machine."""

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network

import pulumi
from pulumi import Output, ResourceOptions

from infra.addresses import EDGE_NETWORK, NetworkPlan, network_plan
from infra.hosts import HostOutputs
from infra.lab.ground import LabGround, LabNetwork
from infra.location import balanced
from infra.settings.location import EDGE_NAME, LAB_EDGE_HOST, LabLocationSettings
from infra.workplace import Workplace


class Lab:
    """A stack's part of this machine.

    Args:
        stack: The stack's name.
        network: Its part of the test range.
        workplace: Where the program runs from.
    """

    def __init__(self, stack: str, network: IPv4Network, workplace: Workplace) -> None:
        self._network = network
        self._ground = LabGround(stack, str(workplace.directory), workplace.operator_key, delays=workplace.delays)

    def location(self, settings: LabLocationSettings) -> "LabLocation":
        """Make a location."""
        return LabLocation(settings, network_plan(self._network, settings.network), self._ground)

    def edge(self, server_name: str) -> "LabEdge":
        """Make the edge."""
        return LabEdge(server_name, network_plan(self._network, EDGE_NETWORK), self._ground)


class LabLocation(pulumi.ComponentResource):
    """The hosts of one location, on a network of their own.

    Args:
        settings: The location's settings.
        plan: Its addresses.
        ground: What all lab resources of the stack stand on.
    """

    hosts: Sequence[HostOutputs]
    entry: Output[Mapping[str, object]]

    def __init__(
        self, settings: LabLocationSettings, plan: NetworkPlan, ground: LabGround, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("tegak:site:Location", settings.name, None, opts)
        self.entry = balanced(settings.name, settings.kind, str(plan.load_balancer))
        network = LabNetwork(settings.name, plan, settings.delay_ms, ground, parent=self)
        self.hosts = [
            network.host(settings.balancer_name, "lb", plan.load_balancer),
            *(
                network.host(name, "app", plan.app_host(number))
                for number, name in enumerate(settings.app_names, start=1)
            ),
        ]
        self.register_outputs({"endpoint": str(plan.load_balancer)})


class LabEdge(pulumi.ComponentResource):
    """The edge as a host of the lab.

    Args:
        server_name: The site's name, in the certificate beside the address.
        plan: Its addresses.
        ground: What all lab resources of the stack stand on.
    """

    hosts: Sequence[HostOutputs]
    ca_certificate: Output[str] | None
    entry: Output[Mapping[str, object]]

    def __init__(
        self, server_name: str, plan: NetworkPlan, ground: LabGround, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("tegak:site:Edge", EDGE_NAME, None, opts)
        address = str(plan.load_balancer)
        self.url = f"https://{address}"
        self.ca_certificate = ground.claim.ca_certificate
        self.entry = Output.from_input({"server_name": server_name, "url": self.url, "address": address})
        network = LabNetwork(EDGE_NAME, plan, 0, ground, parent=self)
        certificate = ground.certificate([server_name], [address], parent=self)
        self.hosts = [network.host(LAB_EDGE_HOST, "edge", plan.load_balancer, certificate=certificate)]
        self.register_outputs({"url": self.url})
