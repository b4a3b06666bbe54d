"""A whole stack: its locations, its edge, and the inventory that tells of them."""

from pulumi import Output

from infra import inventory
from infra.checkout import Checkout
from infra.errors import OperatorError
from infra.lab.location import Lab
from infra.location import Edge, Location
from infra.location_settings import LabLocationSettings
from infra.settings import StackSettings


class Site:
    """Everything a stack has.

    Args:
        stack: The stack's name.
        settings: Its settings.
        checkout: Where the program runs from.
    """

    def __init__(self, stack: str, settings: StackSettings, checkout: Checkout) -> None:
        lab = settings.of_kind(LabLocationSettings)
        if settings.network is None or len(lab) < len(settings.locations):
            others = sorted({location.kind for location in settings.locations} - {"lab"})
            raise OperatorError(f"the program can't make locations of kind {', '.join(others)} yet")
        here = Lab(stack, settings.network, checkout)
        self.stack = stack
        self.rollout = settings.rollout
        self.locations: list[Location] = [here.location(location) for location in lab]
        self.edge: Edge = here.edge(settings.server_name)

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
