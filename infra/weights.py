"""How the requests are divided over the locations."""

from collections.abc import Mapping

from infra.settings.location import AwsLocationSettings, HostsLocationSettings
from infra.settings.stack import StackSettings

MOST = 255
"""The largest weight of a record in Route 53."""


def hosts_of_the_night(settings: StackSettings) -> dict[str, int]:
    """How many hosts each location that the CDN asks has; a lab is on this machine, and the CDN doesn't reach it."""
    groups = {location.name: location.hosts.night for location in settings.of_kind(AwsLocationSettings)}
    return groups | {location.name: location.app_machines for location in settings.of_kind(HostsLocationSettings)}


def dns_weights(hosts: Mapping[str, int]) -> dict[str, int]:
    """Weights in proportion to hosts; no location with a host gets none.

    Args:
        hosts: How many hosts each location has during the night, by its name.
    """
    largest = max(hosts.values())
    scale = min(1.0, MOST / largest)
    return {name: max(1, round(count * scale)) for name, count in hosts.items()}
