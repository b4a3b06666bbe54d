"""The edge: an nginx cache in front of all locations."""

from pathlib import PurePosixPath

from infra.inventory import Inventory
from roles import nginx
from roles.files import HostFile, render

SORRY = "/var/www/tegak/maaf.html"


def files(inventory: Inventory) -> list[HostFile]:
    """The files of an edge host. Its certificate is provisioning's, and not touched here."""
    endpoints = [location.endpoint for location in inventory.locations]
    values = {"locations": endpoints, "server_name": inventory.edge.server_name}
    return [
        HostFile(PurePosixPath(SORRY), render("edge", SORRY, {})),
        *nginx.files("edge", values, drained=False),
    ]
