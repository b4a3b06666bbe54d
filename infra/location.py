"""A location: a place with its own load balancer and app hosts."""

import pulumi
from pulumi import ResourceOptions

from infra.addresses import NetworkPlan
from infra.lab.ground import LabGround, LabNetwork
from infra.location_settings import LabLocationSettings


class Location(pulumi.ComponentResource):
    """The hosts of one location, on a network of their own.

    Args:
        settings: The location's settings.
        plan: Its addresses.
        ground: What all lab resources of the stack stand on.
    """

    def __init__(
        self, settings: LabLocationSettings, plan: NetworkPlan, ground: LabGround, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("tegak:site:Location", settings.name, None, opts)
        self.name = settings.name
        self.kind = settings.kind
        self.endpoint = str(plan.load_balancer)
        network = LabNetwork(settings.name, plan, settings.delay_ms, ground, parent=self)
        self.hosts = [network.host(f"{settings.name}-lb-1", "lb", plan.load_balancer)]
        self.hosts += [
            network.host(f"{settings.name}-app-{number}", "app", plan.app_host(number))
            for number in range(1, settings.app_hosts + 1)
        ]
        self.register_outputs({"endpoint": self.endpoint})


class Edge(pulumi.ComponentResource):
    """The tier in front of all locations: the one address that the public knows.

    Args:
        server_name: The site's name, in the certificate beside the address.
        plan: Its addresses.
        ground: What all lab resources of the stack stand on.
    """

    def __init__(
        self, server_name: str, plan: NetworkPlan, ground: LabGround, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("tegak:site:Edge", "edge", None, opts)
        address = str(plan.load_balancer)
        self.server_name = server_name
        self.url = f"https://{address}"
        network = LabNetwork("edge", plan, 0, ground, parent=self)
        certificate = ground.certificate([server_name], [address], parent=self)
        self.hosts = [network.host("edge-1", "edge", plan.load_balancer, certificate=certificate)]
        self.register_outputs({"url": self.url})
