"""A whole stack: its locations, its edge, and the inventory that tells of them."""

from dataclasses import dataclass
from pathlib import Path

from pulumi import Output

from infra import inventory
from infra.addresses import EDGE_NETWORK, network_plan
from infra.cost.guard import refuse_over_limits
from infra.errors import OperatorError
from infra.hosts import HostOutputs
from infra.lab.ground import LabGround
from infra.location import Edge, Location
from infra.location_settings import LabLocationSettings
from infra.settings import StackSettings


@dataclass(frozen=True)
class Checkout:
    """Where the program runs from.

    Args:
        directory: The project's folder.
        operator_key: The public ssh key of those who deploy.
        delays: Whether this kernel can delay packets.
    """

    directory: Path
    operator_key: str
    delays: bool


class Site:
    """Everything a stack has.

    Args:
        stack: The stack's name.
        settings: Its settings.
        checkout: Where the program runs from.
    """

    def __init__(self, stack: str, settings: StackSettings, checkout: Checkout) -> None:
        refuse_over_limits(stack, settings)
        lab = settings.of_kind(LabLocationSettings)
        if settings.network is None or len(lab) < len(settings.locations):
            others = sorted({location.kind for location in settings.locations} - {"lab"})
            raise OperatorError(f"the program can't make locations of kind {', '.join(others)} yet")
        ground = LabGround(stack, str(checkout.directory), checkout.operator_key, delays=checkout.delays)
        self.stack = stack
        self.rollout = settings.rollout
        self.ca_certificate = ground.claim.ca_certificate
        self.locations = [
            Location(location, network_plan(settings.network, location.network), ground) for location in lab
        ]
        self.edge = Edge(settings.server_name, network_plan(settings.network, EDGE_NETWORK), ground)

    def inventory(self) -> Output[dict[str, object]]:
        """The stack output `inventory`, known when every host is."""
        hosts = [*(host for location in self.locations for host in location.hosts), *self.edge.hosts]
        keys: Output[list[str]] = Output.all(*(host.host_key for host in hosts))
        return keys.apply(lambda known: self._document(hosts, known))

    def _document(self, hosts: list[HostOutputs], host_keys: list[str]) -> dict[str, object]:
        document = inventory.Inventory.model_validate(
            {
                "schema": inventory.SCHEMA_VERSION,
                "stack": self.stack,
                "locations": [
                    {"name": place.name, "kind": place.kind, "endpoint": {"address": place.endpoint, "port": 80}}
                    for place in self.locations
                ],
                "edge": {"server_name": self.edge.server_name, "url": self.edge.url},
                "rollout": self.rollout,
                "hosts": [
                    {
                        "name": host.name,
                        "location": host.location,
                        "kind": "lab",
                        "roles": ["base", host.role],
                        "address": host.address,
                        "ssh_user": "deploy",
                        "host_keys": [key],
                    }
                    for host, key in zip(hosts, host_keys, strict=True)
                ],
            }
        )
        return document.model_dump(mode="json", by_alias=True)
