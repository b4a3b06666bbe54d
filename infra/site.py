"""A whole stack: its locations, its edge, and the inventory that tells of them."""

from pulumi import Output

from infra import inventory
from infra.adopted.location import HostsLocation, OwnedEdge
from infra.certificate import read_file
from infra.checkout import Checkout
from infra.errors import OperatorError
from infra.lab.location import Lab
from infra.location import Edge, Location
from infra.location_settings import HostsLocationSettings, LabLocationSettings, LocationSettings
from infra.settings import StackSettings


class Site:
    """Everything a stack has.

    Args:
        stack: The stack's name.
        settings: Its settings.
        checkout: Where the program runs from.
    """

    def __init__(self, stack: str, settings: StackSettings, checkout: Checkout) -> None:
        self.stack = stack
        self.rollout = settings.rollout
        self._settings = settings
        self._checkout = checkout
        network = settings.network if settings.of_kind(LabLocationSettings) else None
        self._lab = Lab(stack, network, checkout) if network else None
        self.locations = [self._location(location) for location in settings.locations]
        self.edge = self._edge()

    def _location(self, location: LocationSettings) -> Location:
        if isinstance(location, HostsLocationSettings):
            return HostsLocation(location, self._settings.operator_key_file)
        if isinstance(location, LabLocationSettings) and self._lab is not None:
            return self._lab.location(location)
        raise OperatorError(f"the program can't make locations of kind {location.kind} yet")

    def _edge(self) -> Edge:
        settings = self._settings
        if settings.own_edge is not None and settings.certificate is not None:
            file = settings.certificate.authority_file
            authority = read_file(self._checkout.directory / file).decode("ascii", "replace") if file else None
            return OwnedEdge(settings.server_name, settings.own_edge, settings.certificate, authority)
        if self._lab is not None:
            return self._lab.edge(settings.server_name)
        raise OperatorError("a stack without a lab and without machines of its own can't have an edge yet")

    def inventory(self) -> Output[dict[str, object]]:
        """The stack output `inventory`, known when every host is."""
        hosts = [*(host for location in self.locations for host in location.hosts), *self.edge.hosts]
        parts: Output[dict[str, object]] = Output.all(
            schema=inventory.SCHEMA_VERSION,
            stack=self.stack,
            locations=[location.entry for location in self.locations],
            edge=self.edge.entry,
            rollout=self.rollout.model_dump(),
            hosts=[host.entry for host in hosts],
        )
        return parts.apply(
            lambda document: inventory.Inventory.model_validate(document).model_dump(mode="json", by_alias=True)
        )
