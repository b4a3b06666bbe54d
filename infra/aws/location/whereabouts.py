"""Where a location is, as a resource: what the engine asks whether it may move."""

from pulumi import ResourceOptions
from pulumi.dynamic import Resource

from infra.aws.location.context import LocationContext
from infra.aws.providers import WhereaboutsProvider


class Whereabouts(Resource, module="aws", name="Whereabouts"):
    """Where a location is; refused on preview if the settings say another place than the one that it was made at.

    Args:
        location: The location.
    """

    def __init__(self, location: LocationContext, *, opts: ResourceOptions | None = None) -> None:
        where = {"location": location.name, "region": location.region, "network": str(location.settings.network)}
        super().__init__(WhereaboutsProvider(), location.name, where, opts)
