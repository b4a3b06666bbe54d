"""How the requests are divided over the locations."""

from collections.abc import Mapping

MOST = 255
"""The largest weight of a record in Route 53."""


def dns_weights(hosts: Mapping[str, int]) -> dict[str, int]:
    """Weights in proportion to hosts; no location with a host gets none.

    Args:
        hosts: How many hosts each location has during the night, by its name.
    """
    largest = max(hosts.values())
    scale = min(1.0, MOST / largest)
    return {name: max(1, round(count * scale)) for name, count in hosts.items()}
