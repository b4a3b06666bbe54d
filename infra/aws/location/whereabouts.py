"""Where a location is, as a resource: what the engine asks whether it may move."""

from pulumi import ResourceOptions
from pulumi.dynamic import Resource

from infra.aws.location.place import Place
from infra.aws.providers import WhereaboutsProvider


class Whereabouts(Resource, module="aws", name="Whereabouts"):
    """Where a location is; refused on preview if the settings say another place than the one that it was made at.

    Args:
        place: The location.
    """

    def __init__(self, place: Place, *, opts: ResourceOptions | None = None) -> None:
        where = {"location": place.name, "region": place.region, "network": str(place.settings.network)}
        super().__init__(WhereaboutsProvider(), place.name, where, opts)
