"""What a stack's lab resources stand on, and how a network and its hosts are put on it."""

from ipaddress import IPv4Address

import pulumi
from pulumi import Input, Output, ResourceOptions

from infra.addresses import NetworkPlan
from infra.hosts import HostOutputs
from infra.lab.image import image_name
from infra.lab.resources import LabBridge, LabCertificate, LabClaim, LabHost, LabImage


class LabGround(pulumi.ComponentResource):
    """The stack's place on this machine and the image that its hosts share.

    Args:
        stack: The stack's name.
        checkout: Where the program runs from; people are told.
        operator_key: The public ssh key of those who deploy.
        delays: Whether this kernel can delay packets.
    """

    def __init__(self, stack: str, checkout: str, operator_key: str, *, delays: bool) -> None:
        super().__init__("tegak:lab:Ground", "lab")
        self.operator_key = operator_key
        self.delays = delays
        self.image = LabImage("image", image=image_name(), opts=ResourceOptions(parent=self))
        self.claim = LabClaim("claim", stack=stack, checkout=checkout, opts=ResourceOptions(parent=self))
        self.register_outputs({})

    def certificate(self, names: list[str], addresses: list[str], parent: pulumi.Resource) -> Output[str]:
        """A certificate for the edge, in PEM."""
        opts = ResourceOptions(parent=parent)
        return LabCertificate("certificate", claim=self.claim, names=names, addresses=addresses, opts=opts).certificate


class LabNetwork:
    """A bridge, and the hosts on it.

    Args:
        name: The bridge's resource name.
        plan: The network's addresses.
        delay_ms: One-way delay of what is routed into it.
        ground: What it stands on.
        parent: The component it belongs to.
    """

    def __init__(self, name: str, plan: NetworkPlan, delay_ms: int, ground: LabGround, parent: pulumi.Resource) -> None:
        self._plan = plan
        self._ground = ground
        self._parent = parent
        self._location = name
        self._bridge = LabBridge(
            name,
            claim=ground.claim,
            bridge=plan.bridge,
            gateway=str(plan.gateway),
            delay_ms=delay_ms if ground.delays else 0,
            opts=ResourceOptions(parent=parent),
        )

    def host(self, name: str, role: str, address: IPv4Address, certificate: Input[str] | None = None) -> HostOutputs:
        """Add a host to the network."""
        host = LabHost(
            name,
            claim=self._ground.claim,
            image=self._ground.image,
            bridge=self._bridge,
            machine=self._plan.machine(address),
            address=f"{address}/{self._plan.network.prefixlen}",
            gateway=str(self._plan.gateway.ip),
            operator_key=self._ground.operator_key,
            certificate=certificate,
            opts=ResourceOptions(parent=self._parent),
        )
        return HostOutputs(name, self._location, "lab", role, str(address), host.host_key.apply(lambda key: [key]))
